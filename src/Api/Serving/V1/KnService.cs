using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>The whole life of a workload: it manages a Configuration and a Route of the same name.</summary>
[CustomResource(
    "serving.knative.dev", "v1", "Service", "services", ShortNames = ["kservice", "ksvc"], Categories = ["all", "knative", "serving"])]
[PrinterColumn("URL", ".status.url")]
[PrinterColumn("LatestCreated", ".status.latestCreatedRevisionName")]
[PrinterColumn("LatestReady", ".status.latestReadyRevisionName")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnService : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "serving.knative.dev/v1";
    public string Kind { get; set; } = "Service";
    public V1ObjectMeta Metadata { get; set; } = new();
    public ServiceSpec Spec { get; init => field = value ?? new(); } = new();
    public ServiceStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>A template for Revisions and how traffic is shared among them.</summary>
public sealed record ServiceSpec
{
    public RevisionTemplate Template { get; init => field = value ?? new(); } = new();
    public List<TrafficTarget>? Traffic { get; init; }
}

/// <summary>What the Service's Configuration and Route report.</summary>
public sealed partial record ServiceStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? LatestReadyRevisionName { get; init; }
    public string? LatestCreatedRevisionName { get; init; }
    public string? Url { get; init; }
    public Addressable? Address { get; init; }
    public List<TrafficTarget>? Traffic { get; init; }
}
