namespace Knet.CloudEvents.Http;

/// <summary>Content types that decide how an event is read.</summary>
public static class MediaTypes
{
    public const string Structured = "application/cloudevents+json";
    public const string Batch = "application/cloudevents-batch+json";
    public const string StructuredUtf8 = Structured + "; charset=utf-8";
    public const string BatchUtf8 = Batch + "; charset=utf-8";

    /// <summary>The mode that a content type says.</summary>
    /// <exception cref="CloudEventException">An event format that is not JSON (415), or a charset that is not UTF-8.</exception>
    public static EventMode ModeOf(string? contentType)
    {
        var media = Essence(contentType);
        if (!media.StartsWith("application/cloudevents", StringComparison.OrdinalIgnoreCase))
        {
            return EventMode.Binary;
        }
        var mode = media.Equals(Structured, StringComparison.OrdinalIgnoreCase) ? EventMode.Structured
            : media.Equals(Batch, StringComparison.OrdinalIgnoreCase) ? EventMode.Batch
            : throw new CloudEventException(415, $"content-type: only {Structured}, {Batch} and binary mode are supported");
        var charset = Parameter(contentType, "charset");
        return charset.IsEmpty || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase)
            ? mode : throw new CloudEventException(415, "content-type: the charset of an event in JSON must be utf-8");
    }

    /// <summary>Whether data of this type is JSON: the subtype is <c>json</c> or ends in <c>+json</c>; absent is JSON (format §3.1).</summary>
    public static bool IsJson(string? dataContentType)
    {
        if (dataContentType is null)
        {
            return true;
        }
        var media = Essence(dataContentType);
        var subtype = media[(media.IndexOf('/') + 1)..];
        return subtype.Equals("json", StringComparison.OrdinalIgnoreCase) || subtype.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private static ReadOnlySpan<char> Essence(string? contentType)
    {
        var text = contentType.AsSpan();
        var end = text.IndexOf(';');
        return (end < 0 ? text : text[..end]).Trim();
    }

    private static ReadOnlySpan<char> Parameter(ReadOnlySpan<char> contentType, string name)
    {
        foreach (var range in contentType.Split(';'))
        {
            var part = contentType[range].Trim();
            var equals = part.IndexOf('=');
            if (equals > 0 && part[..equals].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return part[(equals + 1)..].Trim().Trim('"');
            }
        }
        return default;
    }
}
