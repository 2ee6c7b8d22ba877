namespace Knet.CloudEvents;

/// <summary>Names that CloudEvents and Knative give to attributes.</summary>
public static class AttributeNames
{
    public const string SpecVersion = "specversion";
    public const string Id = "id";
    public const string Source = "source";
    public const string Type = "type";
    public const string Subject = "subject";
    public const string Time = "time";
    public const string DataContentType = "datacontenttype";

    /// <summary>Of 1.0; <see cref="SchemaUrl"/> in 0.3.</summary>
    public const string DataSchema = "dataschema";

    /// <summary>Of 0.3.</summary>
    public const string SchemaUrl = "schemaurl";

    /// <summary>Of 0.3: <c>base64</c>.</summary>
    public const string DataContentEncoding = "datacontentencoding";

    public const string TraceParent = "traceparent";

    /// <summary>How many brokers an event may still pass.</summary>
    public const string BrokerTtl = "knativebrokerttl";

    /// <summary>When a broker took the event.</summary>
    public const string ArrivalTime = "knativearrivaltime";

    /// <summary>Of a dead letter: the URL that failed.</summary>
    public const string ErrorDestination = "knativeerrordest";

    /// <summary>Of a dead letter: the last status.</summary>
    public const string ErrorCode = "knativeerrorcode";

    /// <summary>Of a dead letter: the last response's body in base64.</summary>
    public const string ErrorData = "knativeerrordata";

    /// <summary>Whether <paramref name="name"/> is lower-case letters and digits (CloudEvents 1.0 §Naming Conventions).</summary>
    public static bool IsValid(ReadOnlySpan<char> name)
    {
        foreach (var c in name)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9')))
            {
                return false;
            }
        }
        return name.Length > 0;
    }

    /// <summary>The constant for a known name, so that the usual attributes cost no string.</summary>
    internal static string? Known(ReadOnlySpan<char> lower) => lower switch
    {
        SpecVersion => SpecVersion,
        Id => Id,
        Source => Source,
        Type => Type,
        Subject => Subject,
        Time => Time,
        DataContentType => DataContentType,
        DataSchema => DataSchema,
        TraceParent => TraceParent,
        BrokerTtl => BrokerTtl,
        ArrivalTime => ArrivalTime,
        _ => null,
    };
}
