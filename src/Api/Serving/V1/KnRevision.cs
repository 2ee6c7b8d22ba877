using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>An immutable snapshot of code and configuration, scaled by the autoscaler.</summary>
[CustomResource("serving.knative.dev", "v1", "Revision", "revisions", ShortNames = ["rev"], Categories = ["all", "knative", "serving"])]
[PrinterColumn("Config Name", ".metadata.labels['serving\\.knative\\.dev/configuration']")]
[PrinterColumn("Generation", ".metadata.labels['serving\\.knative\\.dev/configurationGeneration']")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
[PrinterColumn("Actual Replicas", ".status.actualReplicas", Type = "integer")]
[PrinterColumn("Desired Replicas", ".status.desiredReplicas", Type = "integer")]
public sealed partial record KnRevision : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "serving.knative.dev/v1";
    public string Kind { get; set; } = "Revision";
    public V1ObjectMeta Metadata { get; set; } = new();
    public RevisionSpec Spec { get; init => field = value ?? new(); } = new();
    public RevisionStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>How far a Revision's workload has come.</summary>
public sealed partial record RevisionStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? LogUrl { get; init; }
    public List<ContainerStatus>? ContainerStatuses { get; init; }
    public List<ContainerStatus>? InitContainerStatuses { get; init; }
    public int? ActualReplicas { get; init; }
    public int? DesiredReplicas { get; init; }
}
