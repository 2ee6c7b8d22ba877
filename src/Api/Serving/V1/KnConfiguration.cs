using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>The desired state of the newest Revision; each change of its template makes one.</summary>
[CustomResource(
    "serving.knative.dev", "v1", "Configuration", "configurations", ShortNames = ["config", "cfg"], Categories = ["all", "knative", "serving"])]
[PrinterColumn("LatestCreated", ".status.latestCreatedRevisionName")]
[PrinterColumn("LatestReady", ".status.latestReadyRevisionName")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnConfiguration : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "serving.knative.dev/v1";
    public string Kind { get; set; } = "Configuration";
    public V1ObjectMeta Metadata { get; set; } = new();
    public ConfigurationSpec Spec { get; init => field = value ?? new(); } = new();
    public ConfigurationStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>The template of the next Revision.</summary>
public sealed record ConfigurationSpec
{
    public RevisionTemplate Template { get; init => field = value ?? new(); } = new();
}

/// <summary>The newest Revisions made from the template.</summary>
public sealed partial record ConfigurationStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? LatestReadyRevisionName { get; init; }
    public string? LatestCreatedRevisionName { get; init; }
}
