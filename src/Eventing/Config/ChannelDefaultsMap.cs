using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Api.Messaging.V1;
using Knet.Kube.Config;

namespace Knet.Eventing.Config;

/// <summary>Reads <c>default-ch-webhook</c>.</summary>
public static class ChannelDefaultsMap
{
    public const string Key = "default-ch-config";

    public static ConfigKind<ChannelDefaults> Kind { get; } = new("default-ch-webhook", Parse, EventingKeys.SystemNamespace);

    /// <exception cref="FormatException">The value is no YAML of the shape of <see cref="ChannelDefaults"/>.</exception>
    public static ChannelDefaults Parse(IReadOnlyDictionary<string, string> data)
    {
        var shape = YamlText.Read<Shape>(Key, data.GetValueOrDefault(Key));
        return new ChannelDefaults
        {
            ClusterDefault = shape?.ClusterDefault,
            NamespaceDefaults = shape?.NamespaceDefaults ?? [],
        };
    }

    internal sealed record Shape
    {
        public ChannelTemplate? ClusterDefault { get; init; }
        public Dictionary<string, ChannelTemplate>? NamespaceDefaults { get; init; }
    }
}
