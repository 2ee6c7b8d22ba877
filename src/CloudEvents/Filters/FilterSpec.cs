namespace Knet.CloudEvents.Filters;

/// <summary>One entry of a Trigger's <c>filters</c>, as written: at most one of these is set.</summary>
public sealed record FilterSpec
{
    /// <summary>Attribute → value that it must equal.</summary>
    public IReadOnlyDictionary<string, string>? Exact { get; init; }

    /// <summary>Attribute → what its value must begin with.</summary>
    public IReadOnlyDictionary<string, string>? Prefix { get; init; }

    /// <summary>Attribute → what its value must end with.</summary>
    public IReadOnlyDictionary<string, string>? Suffix { get; init; }

    /// <summary>All of these must hold.</summary>
    public IReadOnlyList<FilterSpec>? All { get; init; }

    /// <summary>One of these must hold.</summary>
    public IReadOnlyList<FilterSpec>? Any { get; init; }

    /// <summary>This must not hold.</summary>
    public FilterSpec? Not { get; init; }

    /// <summary>A CESQL expression that must be true.</summary>
    public string? Cesql { get; init; }
}
