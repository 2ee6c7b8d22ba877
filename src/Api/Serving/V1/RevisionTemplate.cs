using k8s.Models;

namespace Knet.Api.Serving.V1;

/// <summary>What a new Revision is made from.</summary>
public sealed record RevisionTemplate
{
    public V1ObjectMeta? Metadata { get; init; }
    public RevisionSpec Spec { get; init => field = value ?? new(); } = new();
}

/// <summary>A pod's specification, as far as Knative allows it, with Knative's own fields beside it.</summary>
public sealed record RevisionSpec
{
    /// <summary>Maximum concurrent requests for each pod; 0 means no limit. Default from config-defaults (0).</summary>
    public long? ContainerConcurrency { get; init; }

    /// <summary>Seconds a request may take in all. Default from config-defaults (300).</summary>
    public long? TimeoutSeconds { get; init; }

    /// <summary>Seconds until the first byte of the response.</summary>
    public long? ResponseStartTimeoutSeconds { get; init; }

    /// <summary>Seconds without a byte written after which a request is ended; unset or 0 means never.</summary>
    public long? IdleTimeoutSeconds { get; init; }

    public List<V1Container> Containers { get; init => field = value ?? []; } = [];
    public List<V1Container>? InitContainers { get; init; }
    public List<V1Volume>? Volumes { get; init; }
    public string? ServiceAccountName { get; init; }
    public List<V1LocalObjectReference>? ImagePullSecrets { get; init; }
    public bool? EnableServiceLinks { get; init; }
    public bool? AutomountServiceAccountToken { get; init; }

    // Behind feature flags of config-features.
    public V1Affinity? Affinity { get; init; }
    public List<V1TopologySpreadConstraint>? TopologySpreadConstraints { get; init; }
    public List<V1HostAlias>? HostAliases { get; init; }
    public Dictionary<string, string>? NodeSelector { get; init; }
    public string? RuntimeClassName { get; init; }
    public List<V1Toleration>? Tolerations { get; init; }
    public V1PodSecurityContext? SecurityContext { get; init; }
    public bool? ShareProcessNamespace { get; init; }
    public string? PriorityClassName { get; init; }
    public string? SchedulerName { get; init; }
    public string? DnsPolicy { get; init; }
    public V1PodDNSConfig? DnsConfig { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("hostIPC")]
    public bool? HostIpc { get; init; }

    [System.Text.Json.Serialization.JsonPropertyName("hostPID")]
    public bool? HostPid { get; init; }

    public bool? HostNetwork { get; init; }
}
