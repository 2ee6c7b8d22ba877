using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>What the status of every kind of Knative has.</summary>
public abstract record DuckStatus
{
    /// <summary>The generation that the rest of the status is about.</summary>
    public long? ObservedGeneration { get; init; }

    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
}

/// <summary>The identity with which an object sends events.</summary>
public sealed record AuthStatus
{
    public string? ServiceAccountName { get; init; }

    /// <summary>Where an object sends events under several identities.</summary>
    public List<string>? ServiceAccountNames { get; init; }
}

/// <summary>An EventPolicy that is in force for an object.</summary>
public sealed record AppliedEventPolicy
{
    public string? Name { get; init; }
    public string? ApiVersion { get; init; }
}
