namespace Knet.Api.Meta;

/// <summary>One condition of a Knative status. Unique by <see cref="Type"/> within an object.</summary>
public sealed record KnCondition
{
    public required string Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Empty (an error when False), <c>Warning</c> or <c>Info</c>; the latter two do not feed Ready.</summary>
    public string? Severity { get; init; }

    /// <summary>When anything in the condition but the time changed last; whole seconds, UTC.</summary>
    public DateTime? LastTransitionTime { get; init; }

    /// <summary>One CamelCase word.</summary>
    public string? Reason { get; init; }

    public string? Message { get; init; }
}
