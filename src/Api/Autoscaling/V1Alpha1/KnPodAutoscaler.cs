using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Autoscaling.V1Alpha1;

/// <summary>Scales a Revision's Deployment by its traffic.</summary>
[CustomResource(
    "autoscaling.internal.knative.dev", "v1alpha1", "PodAutoscaler", "podautoscalers",
    ShortNames = ["kpa", "pa"], Categories = ["knative-internal", "autoscaling"])]
[PrinterColumn("DesiredScale", ".status.desiredScale", Type = "integer")]
[PrinterColumn("ActualScale", ".status.actualScale", Type = "integer")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnPodAutoscaler : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "autoscaling.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "PodAutoscaler";
    public V1ObjectMeta Metadata { get; set; } = new();
    public PodAutoscalerSpec Spec { get; init => field = value ?? new(); } = new();
    public PodAutoscalerStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>What is scaled, and what is known of its traffic.</summary>
public sealed record PodAutoscalerSpec
{
    public long? ContainerConcurrency { get; init; }
    public V1ObjectReference? ScaleTargetRef { get; init; }

    /// <summary><c>Reachable</c>, <c>Unreachable</c> or empty (unknown).</summary>
    public string? Reachability { get; init; }

    /// <summary><c>http1</c> or <c>h2c</c>.</summary>
    public string? ProtocolType { get; init; }
}

/// <summary>The scale wanted and reached.</summary>
public sealed record PodAutoscalerStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? ServiceName { get; init; }
    public string? MetricsServiceName { get; init; }
    public int? DesiredScale { get; init; }
    public int? ActualScale { get; init; }
}
