using Knet.Api.Duck;

namespace Knet.Api.Eventing.Config;

/// <summary>What Brokers get that do not say (<c>config-br-defaults</c>): for a namespace, else for the cluster.</summary>
public sealed record BrokerDefaults
{
    public BrokerDefault? ClusterDefault { get; init; }
    public IReadOnlyDictionary<string, BrokerDefault> NamespaceDefaults { get; init; } = new Dictionary<string, BrokerDefault>();

    /// <summary>The class of a Broker that names none; null when the ConfigMap has none.</summary>
    public string? ClassFor(string ns) =>
        NamespaceDefaults.GetValueOrDefault(ns)?.BrokerClass is { Length: > 0 } own ? own : ClusterDefault?.BrokerClass;

    /// <summary>
    /// Configuration and delivery for a class: what a namespace says about the class, then what it says for all, then the cluster's in
    /// the same order.
    /// </summary>
    public BrokerConfigDefault? Find(string ns, string brokerClass) =>
        Of(NamespaceDefaults.GetValueOrDefault(ns), brokerClass) ?? Of(ClusterDefault, brokerClass);

    /// <summary>Whether a Broker of the namespace may have its configuration in another.</summary>
    public bool AllowsOtherNamespaces(string ns) =>
        !(NamespaceDefaults.GetValueOrDefault(ns) ?? ClusterDefault ?? new BrokerDefault()).DisallowDifferentNamespaceConfig;

    private static BrokerConfigDefault? Of(BrokerDefault? of, string brokerClass) =>
        of is null ? null
        : of.BrokerClasses.TryGetValue(brokerClass, out var own) ? own
        : of.Config is not null || of.Delivery is not null ? new BrokerConfigDefault { Config = of.Config, Delivery = of.Delivery }
        : null;
}

/// <summary>The configuration of a Broker, and how it delivers.</summary>
public record BrokerConfigDefault
{
    public KReference? Config { get; init; }
    public DeliverySpec? Delivery { get; init; }
}

/// <summary>What holds for a namespace or the cluster.</summary>
public sealed record BrokerDefault : BrokerConfigDefault
{
    public string? BrokerClass { get; init; }
    public bool DisallowDifferentNamespaceConfig { get; init; }
    public IReadOnlyDictionary<string, BrokerConfigDefault> BrokerClasses { get; init; } = new Dictionary<string, BrokerConfigDefault>();
}
