using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

/// <summary>Sends the events of a Broker that pass its filters to a subscriber.</summary>
[CustomResource(EventingKeys.Group, "v1", "Trigger", "triggers", Categories = ["all", "knative", "eventing"])]
[PrinterColumn("Broker", ".spec.broker")]
[PrinterColumn("Subscriber_URI", ".status.subscriberUri")]
[PrinterColumn("Age", ".metadata.creationTimestamp", Type = "date")]
[PrinterColumn("Ready", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type==\"Ready\")].reason")]
public sealed partial record KnTrigger : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "eventing.knative.dev/v1";
    public string Kind { get; set; } = "Trigger";
    public V1ObjectMeta Metadata { get; set; } = new();
    public TriggerSpec Spec { get; init => field = value ?? new(); } = new();
    public TriggerStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>Which events go where.</summary>
public sealed record TriggerSpec
{
    /// <summary>The name of a Broker of this namespace.</summary>
    public string? Broker { get; init; }

    /// <summary>A Broker that may be of another namespace; needs the flag cross-namespace-event-links.</summary>
    public KReference? BrokerRef { get; init; }

    /// <summary>The older form of filters; without effect when <see cref="Filters"/> has any.</summary>
    public TriggerFilter? Filter { get; init; }

    /// <summary>All of these must hold for an event.</summary>
    public List<SubscriptionsApiFilter>? Filters { get; init; }

    public Destination Subscriber { get; init => field = value ?? new(); } = new();

    /// <summary>How events are delivered; as the Broker says when missing.</summary>
    public DeliverySpec? Delivery { get; init; }
}

/// <summary>Attributes that an event must have.</summary>
public sealed record TriggerFilter
{
    /// <summary>Values by attribute; an empty value stands for any that is not empty.</summary>
    public Dictionary<string, string>? Attributes { get; init; }
}

/// <summary>Where a Trigger's events go.</summary>
public sealed partial record TriggerStatus : DuckStatus
{
    public string? SubscriberUri { get; init; }
    public string? SubscriberCACerts { get; init; }
    public string? SubscriberAudience { get; init; }
    public string? DeadLetterSinkUri { get; init; }
    public string? DeadLetterSinkCACerts { get; init; }
    public string? DeadLetterSinkAudience { get; init; }
    public AuthStatus? Auth { get; init; }
}
