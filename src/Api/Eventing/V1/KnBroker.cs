using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

/// <summary>Takes events at an address and hands each to the Triggers that want it.</summary>
[CustomResource(EventingKeys.Group, "v1", "Broker", "brokers", Categories = ["all", "knative", "eventing"])]
[PrinterColumn("URL", ".status.address.url")]
[PrinterColumn("Age", ".metadata.creationTimestamp", Type = "date")]
[PrinterColumn("Ready", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type==\"Ready\")].reason")]
[PrinterColumn("Class", ".metadata.annotations.eventing\\.knative\\.dev/broker\\.class")]
public sealed partial record KnBroker : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "eventing.knative.dev/v1";
    public string Kind { get; set; } = "Broker";
    public V1ObjectMeta Metadata { get; set; } = new();
    public BrokerSpec Spec { get; init => field = value ?? new(); } = new();
    public BrokerStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>How a Broker is made and delivers.</summary>
public sealed record BrokerSpec
{
    /// <summary>What else the Broker's class wants to know, such as the ConfigMap with a channel template.</summary>
    public KReference? Config { get; init; }

    /// <summary>How its Triggers deliver that do not say themselves.</summary>
    public DeliverySpec? Delivery { get; init; }
}

/// <summary>Where a Broker answers.</summary>
public sealed partial record BrokerStatus : DuckStatus
{
    public Addressable? Address { get; init; }
    public List<Addressable>? Addresses { get; init; }
    public string? DeadLetterSinkUri { get; init; }
    public string? DeadLetterSinkCACerts { get; init; }
    public string? DeadLetterSinkAudience { get; init; }
    public List<AppliedEventPolicy>? Policies { get; init; }
}
