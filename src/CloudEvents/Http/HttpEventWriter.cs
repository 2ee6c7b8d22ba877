using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace Knet.CloudEvents.Http;

/// <summary>Puts events into HTTP requests and responses, in the mode that is asked for.</summary>
public static class HttpEventWriter
{
    /// <summary>Sets headers and content of a request.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The mode is Batch, which has no single event.</exception>
    public static void Write(HttpRequestMessage request, CloudEvent cloudEvent, EventMode mode)
    {
        switch (mode)
        {
            case EventMode.Structured:
                request.Content = new ByteArrayContent(JsonEventWriter.Write(cloudEvent));
                request.Content.Headers.TryAddWithoutValidation("Content-Type", MediaTypes.StructuredUtf8);
                break;
            case EventMode.Binary:
                request.Content = new ReadOnlyMemoryContent(cloudEvent.Data);
                foreach (ref readonly var attribute in cloudEvent.Span)
                {
                    if (attribute.Name != AttributeNames.DataContentType)
                    {
                        request.Headers.TryAddWithoutValidation(HeaderOf(attribute.Name), HeaderText.Encode(attribute.Value));
                    }
                }
                SetType(request.Content.Headers, cloudEvent);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(mode), mode, "One event is sent in binary or structured mode.");
        }
    }

    /// <summary>Sets the headers of a response in binary mode and writes the data: a reply.</summary>
    public static async ValueTask WriteAsync(HttpResponse response, CloudEvent cloudEvent, CancellationToken cancellation)
    {
        foreach (var attribute in cloudEvent.Attributes)
        {
            if (attribute.Name != AttributeNames.DataContentType)
            {
                response.Headers[HeaderOf(attribute.Name)] = HeaderText.Encode(attribute.Value);
            }
        }
        if (ContentType(cloudEvent) is { } type)
        {
            response.ContentType = HeaderSafe(type);
        }
        response.ContentLength = cloudEvent.Data.Length;
        await response.Body.WriteAsync(cloudEvent.Data, cancellation).ConfigureAwait(false);
    }

    private static void SetType(HttpContentHeaders headers, CloudEvent cloudEvent)
    {
        if (ContentType(cloudEvent) is { } type)
        {
            headers.TryAddWithoutValidation("Content-Type", HeaderSafe(type));
        }
    }

    // Structured mode may leave the type out when the data is JSON; in binary mode there is nothing else that says so.
    private static string? ContentType(CloudEvent cloudEvent) =>
        cloudEvent.DataContentType ?? (cloudEvent.Data.IsEmpty ? null : "application/json");

    // The content type is no attribute of the binding and is not percent-encoded; a header carries ASCII only.
    private static string HeaderSafe(string text) => text.All(char.IsAscii) ? text : new string([.. text.Select(c => char.IsAscii(c) ? c : '?')]);

    private static string HeaderOf(string name) => name switch
    {
        AttributeNames.SpecVersion => "ce-specversion",
        AttributeNames.Id => "ce-id",
        AttributeNames.Source => "ce-source",
        AttributeNames.Type => "ce-type",
        AttributeNames.Subject => "ce-subject",
        AttributeNames.Time => "ce-time",
        _ => "ce-" + name,
    };
}
