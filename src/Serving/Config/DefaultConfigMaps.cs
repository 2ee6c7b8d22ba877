using k8s.Models;
using Knet.Api.Serving;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>The ConfigMaps that the embedded platform makes at its first start; an operator's edits to them stay.</summary>
public static class DefaultConfigMaps
{
    public const string SystemNamespace = "knative-serving";

    /// <summary>All of Serving's ConfigMaps; <c>config-autoscaler</c> has an example only, its values are upstream's.</summary>
    /// <param name="externalPort">The gateway's port on the host; when it is not 80 it is published under its key.</param>
    /// <param name="externalTlsPort">The same for https and 443.</param>
    public static IReadOnlyList<V1ConfigMap> Create(int externalPort = 80, int externalTlsPort = 443)
    {
        var network = new Dictionary<string, string>
        {
            ["ingress-class"] = NetworkingKeys.KnetIngressClass,

            // One person's machine: nobody has to hand out domains.
            ["autocreate-cluster-domain-claims"] = "true",
        };
        if (externalPort != 80)
        {
            network[NetworkConfig.ExternalPortKey] = $"{externalPort}";
        }

        if (externalTlsPort != 443)
        {
            network[NetworkConfig.ExternalTlsPortKey] = $"{externalTlsPort}";
        }

        return
        [
            Map("config-autoscaler", "autoscaler", [], ConfigExamples.Autoscaler),
            Map("config-defaults", "controller", [], ConfigExamples.Defaults),
            Map(
                "config-deployment", "controller",
                new() { ["queue-sidecar-image"] = DeploymentConfig.VirtualQueueProxyImage }, ConfigExamples.Deployment),
            Map("config-domain", "controller", new() { ["localhost"] = "" }, ConfigExamples.Domain),
            Map("config-features", "controller", [], ConfigExamples.Features),
            Map("config-gc", "controller", [], ConfigExamples.Gc),
            Map("config-leader-election", "controller", [], ConfigExamples.LeaderElection),
            Map("config-logging", "logging", [], ConfigExamples.Logging),
            Map("config-network", "networking", network, ConfigExamples.Network),
            Map("config-observability", "observability", [], ConfigExamples.Observability),
        ];
    }

    private static V1ConfigMap Map(string name, string component, Dictionary<string, string> data, string example)
    {
        data[ConfigExample.Key] = example;
        return new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = SystemNamespace,
                Labels = new Dictionary<string, string>
                {
                    ["app.kubernetes.io/name"] = "knative-serving",
                    ["app.kubernetes.io/component"] = component,
                },
                Annotations = new Dictionary<string, string> { [ConfigExample.ChecksumAnnotation] = ConfigExample.Checksum(example) },
            },
            Data = data,
        };
    }
}
