using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Kube.Config;

namespace Knet.Eventing.Config;

/// <summary>Reads <c>config-br-defaults</c>.</summary>
public static class BrokerDefaultsMap
{
    public const string Key = "default-br-config";

    public static ConfigKind<BrokerDefaults> Kind { get; } = new("config-br-defaults", Parse, EventingKeys.SystemNamespace);

    /// <exception cref="FormatException">The value is no YAML of the shape of <see cref="BrokerDefaults"/>.</exception>
    public static BrokerDefaults Parse(IReadOnlyDictionary<string, string> data)
    {
        var shape = YamlText.Read<Shape>(Key, data.GetValueOrDefault(Key));
        return new BrokerDefaults
        {
            ClusterDefault = shape?.ClusterDefault?.ToDefault(),
            NamespaceDefaults = (shape?.NamespaceDefaults ?? []).ToDictionary(n => n.Key, n => n.Value.ToDefault()),
        };
    }

    internal sealed record Shape
    {
        public DefaultShape? ClusterDefault { get; init; }
        public Dictionary<string, DefaultShape>? NamespaceDefaults { get; init; }
    }

    /// <summary>The reference to the configuration stands among the rest, as upstream has it.</summary>
    internal record ConfigShape
    {
        public string? ApiVersion { get; init; }
        public string? Kind { get; init; }
        public string? Name { get; init; }
        public string? Namespace { get; init; }
        public Api.Duck.DeliverySpec? Delivery { get; init; }

        public Api.Duck.KReference? Reference() => string.IsNullOrEmpty(Kind) && string.IsNullOrEmpty(Name)
            ? null
            : new Api.Duck.KReference { ApiVersion = ApiVersion, Kind = Kind, Name = Name, Namespace = Namespace };
    }

    internal sealed record DefaultShape : ConfigShape
    {
        public string? BrokerClass { get; init; }
        public bool DisallowDifferentNamespaceConfig { get; init; }
        public Dictionary<string, ConfigShape>? BrokerClasses { get; init; }

        public BrokerDefault ToDefault() => new()
        {
            BrokerClass = BrokerClass,
            DisallowDifferentNamespaceConfig = DisallowDifferentNamespaceConfig,
            Config = Reference(),
            Delivery = Delivery,
            BrokerClasses = (BrokerClasses ?? []).ToDictionary(
                c => c.Key, c => new BrokerConfigDefault { Config = c.Value.Reference(), Delivery = c.Value.Delivery }),
        };
    }
}
