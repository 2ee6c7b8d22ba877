namespace Knet.Api.Serving.Config;

/// <summary>ConfigMap <c>config-defaults</c>: what fields of a Revision get when the user says nothing, and their upper bounds.</summary>
public sealed record DefaultsConfig
{
    public long RevisionTimeoutSeconds { get; init; } = 300;
    public long MaxRevisionTimeoutSeconds { get; init; } = 600;
    public long RevisionResponseStartTimeoutSeconds { get; init; } = 300;

    /// <summary>0 switches the idle timeout off.</summary>
    public long RevisionIdleTimeoutSeconds { get; init; }

    // Quantities as written, null for none.
    public string? RevisionCpuRequest { get; init; }
    public string? RevisionCpuLimit { get; init; }
    public string? RevisionMemoryRequest { get; init; }
    public string? RevisionMemoryLimit { get; init; }
    public string? RevisionEphemeralStorageRequest { get; init; }
    public string? RevisionEphemeralStorageLimit { get; init; }

    /// <summary>A Go template over the parent's metadata.</summary>
    public string ContainerNameTemplate { get; init; } = "user-container";

    /// <inheritdoc cref="ContainerNameTemplate"/>
    public string InitContainerNameTemplate { get; init; } = "init-container";

    public long ContainerConcurrency { get; init; }
    public long ContainerConcurrencyMaxLimit { get; init; } = 1000;
    public bool AllowContainerConcurrencyZero { get; init; } = true;

    /// <summary>Null leaves the field to Kubernetes (<c>default</c> in the ConfigMap).</summary>
    public bool? EnableServiceLinks { get; init; } = false;
}

/// <summary>The keys of <c>config-autoscaler</c> that annotations are checked against.</summary>
public sealed record AutoscalingLimits
{
    public string PodAutoscalerClass { get; init; } = AutoscalingKeys.KpaClass;
    public bool AllowZeroInitialScale { get; init; }

    /// <summary>Instances of a new Revision before anything is known of its traffic.</summary>
    public int InitialScale { get; init; } = 1;

    /// <summary>0 means no limit.</summary>
    public int MaxScaleLimit { get; init; }
}

/// <summary>All configuration that defaulting and validation look at.</summary>
public sealed record ServingPolicy
{
    public static ServingPolicy Default { get; } = new();

    public DefaultsConfig Defaults { get; init; } = new();
    public FeaturesConfig Features { get; init; } = new();
    public AutoscalingLimits Autoscaling { get; init; } = new();
}
