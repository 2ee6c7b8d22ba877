using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>A network endpoint whose traffic is shared among Revisions.</summary>
[CustomResource("serving.knative.dev", "v1", "Route", "routes", ShortNames = ["rt"], Categories = ["all", "knative", "serving"])]
[PrinterColumn("URL", ".status.url")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnRoute : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "serving.knative.dev/v1";
    public string Kind { get; set; } = "Route";
    public V1ObjectMeta Metadata { get; set; } = new();
    public RouteSpec Spec { get; init => field = value ?? new(); } = new();
    public RouteStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>How traffic is shared.</summary>
public sealed record RouteSpec
{
    public List<TrafficTarget>? Traffic { get; init; }
}

/// <summary>Where the Route answers and how its traffic is really shared.</summary>
public sealed partial record RouteStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? Url { get; init; }
    public Addressable? Address { get; init; }
    public List<TrafficTarget>? Traffic { get; init; }
}
