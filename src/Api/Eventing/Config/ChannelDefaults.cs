using Knet.Api.Messaging.V1;

namespace Knet.Api.Eventing.Config;

/// <summary>Which channel stands behind a Channel that does not say (<c>default-ch-webhook</c>).</summary>
public sealed record ChannelDefaults
{
    public ChannelTemplate? ClusterDefault { get; init; }
    public IReadOnlyDictionary<string, ChannelTemplate> NamespaceDefaults { get; init; } = new Dictionary<string, ChannelTemplate>();

    public ChannelTemplate? For(string ns) => NamespaceDefaults.GetValueOrDefault(ns) ?? ClusterDefault;
}
