namespace Knet.CloudEvents.Filters;

/// <summary>What a filter says of an event. Everything but <see cref="Fail"/> delivers.</summary>
public enum FilterResult : byte
{
    /// <summary>Nothing to say: an empty filter.</summary>
    No,
    Pass,
    Fail,
}
