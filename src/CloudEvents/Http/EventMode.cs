namespace Knet.CloudEvents.Http;

/// <summary>How an event lies in an HTTP message (CloudEvents HTTP binding §3).</summary>
public enum EventMode
{
    /// <summary>Attributes in <c>ce-</c> headers, the data is the body.</summary>
    Binary,

    /// <summary>One JSON document, <c>application/cloudevents+json</c>.</summary>
    Structured,

    /// <summary>A JSON array of events, <c>application/cloudevents-batch+json</c>.</summary>
    Batch,
}
