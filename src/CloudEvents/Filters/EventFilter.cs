namespace Knet.CloudEvents.Filters;

/// <summary>A compiled filter; safe for many threads.</summary>
/// <remarks>On the hot path: matching allocates nothing, except for CESQL functions that make text.</remarks>
public abstract class EventFilter
{
    /// <summary>What this says of an event.</summary>
    public abstract FilterResult Match(CloudEvent cloudEvent);

    /// <summary>Why an event did not pass, in a line: the part of the filter that failed and what the event has there.</summary>
    public abstract string Explain(CloudEvent cloudEvent);

    /// <summary>Attributes that must have exactly this value for the event to pass; what an index can look up. Empty when there is none.</summary>
    internal virtual IEnumerable<(string Name, string Value)> Required => [];

    private protected static string Have(CloudEvent cloudEvent, string name) =>
        AttributeText.Formatted(cloudEvent, name) is { } value ? $"it is \"{value}\"" : "the event has none";
}
