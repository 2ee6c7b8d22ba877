namespace Knet.Api.Serving.V1;

/// <summary>One share of a Route's traffic.</summary>
public sealed record TrafficTarget
{
    public string? Tag { get; init; }
    public string? RevisionName { get; init; }
    public string? ConfigurationName { get; init; }
    public bool? LatestRevision { get; init; }

    /// <summary>0..100; missing means 0. The percents of all targets sum to 100.</summary>
    public long? Percent { get; init; }

    /// <summary>Output only: where a tagged target answers.</summary>
    public string? Url { get; init; }
}

/// <summary>A container's image as it was resolved when the Revision was made.</summary>
public sealed record ContainerStatus
{
    public string? Name { get; init; }

    /// <summary><c>repository@sha256:hex</c>; empty where resolving is skipped.</summary>
    public string? ImageDigest { get; init; }
}
