using k8s.Models;
using Knet.Api.Eventing;
using Knet.Kube.Config;

namespace Knet.Eventing.Config;

/// <summary>The ConfigMaps that an installation of Eventing has from its first start; an operator's edits to them stay.</summary>
public static class EventingConfigMaps
{
    private const string BrokerDefaults = """
        clusterDefault:
          brokerClass: Knet
          delivery:
            retry: 10
            backoffPolicy: exponential
            backoffDelay: PT0.2S
          brokerClasses:
            MTChannelBasedBroker:
              apiVersion: v1
              kind: ConfigMap
              name: config-br-default-channel
              namespace: knative-eventing
              delivery:
                retry: 10
                backoffPolicy: exponential
                backoffDelay: PT0.2S
        """;

    private const string InMemoryChannel = """
        apiVersion: messaging.knative.dev/v1
        kind: InMemoryChannel
        """;

    private const string ChannelDefaults = """
        clusterDefault:
          apiVersion: messaging.knative.dev/v1
          kind: InMemoryChannel
        """;

    public static IReadOnlyList<V1ConfigMap> Create() =>
    [
        Map("config-br-default-channel", new() { ["channel-template-spec"] = InMemoryChannel }),
        Map(BrokerDefaultsMap.Kind.Name, new() { [BrokerDefaultsMap.Key] = BrokerDefaults }),
        Map(ChannelDefaultsMap.Kind.Name, new() { [ChannelDefaultsMap.Key] = ChannelDefaults }),
        Map(EventingFeaturesMap.Kind.Name, new() { [ConfigExample.Key] = ConfigMapExamples.Features }),
        Map("config-kreference-mapping", new() { [ConfigExample.Key] = ConfigMapExamples.KReferenceMapping }),
        Map("config-leader-election", new() { [ConfigExample.Key] = ConfigMapExamples.LeaderElection }),
        Map("config-logging", new() { [ConfigExample.Key] = ConfigMapExamples.Logging }),
        Map("config-observability", new() { [ConfigExample.Key] = ConfigMapExamples.Observability }),
        Map("config-ping-defaults", new() { [ConfigExample.Key] = ConfigMapExamples.Ping }),
        Map("config-sugar", new() { [ConfigExample.Key] = ConfigMapExamples.Sugar }),
        Map("config-tracing", []),
        Map("config-imc-event-dispatcher", new() { ["MaxIdleConnections"] = "1000", ["MaxIdleConnectionsPerHost"] = "100" }),
    ];

    private static V1ConfigMap Map(string name, Dictionary<string, string> data) => new()
    {
        ApiVersion = "v1",
        Kind = "ConfigMap",
        Metadata = new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = EventingKeys.SystemNamespace,
            Labels = new Dictionary<string, string> { ["app.kubernetes.io/name"] = EventingKeys.SystemNamespace },
            Annotations = data.TryGetValue(ConfigExample.Key, out var example)
                ? new Dictionary<string, string> { [ConfigExample.ChecksumAnnotation] = ConfigExample.Checksum(example) }
                : null,
        },
        Data = data,
    };
}
