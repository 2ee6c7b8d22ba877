using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1Beta1;
using Knet.Serving.Config;
using Knet.Serving.Objects;
using Knet.Serving.Routes;

namespace Knet.Serving.DomainMappings;

/// <summary>The Ingress of a DomainMapping: one host, which is rewritten to that of the target's Service (serving.md 15).</summary>
internal static class DomainIngress
{
    /// <param name="target">The Kubernetes Service that takes the requests.</param>
    /// <param name="secret">The Secret with the domain's certificate; null: plain HTTP only.</param>
    public static KnIngress For(KnDomainMapping mapping, string target, string? secret, NetworkConfig network)
    {
        var (domain, ns) = (mapping.Metadata.Name, mapping.Metadata.NamespaceProperty);
        return new KnIngress
        {
            Metadata = new V1ObjectMeta
            {
                Name = ChildNames.For(domain, ""),
                NamespaceProperty = ns,
                Labels = Maps.Keep(mapping.Metadata.Labels)
                    .With(ServingKeys.DomainMappingUid, mapping.Metadata.Uid)
                    .With(ServingKeys.DomainMappingNamespace, ns),
                Annotations = IngressSettings.Annotations(mapping.Metadata, network),
                OwnerReferences = [Ownership.By(mapping)],
            },
            Spec = new IngressSpec
            {
                HttpOption = IngressSettings.HttpOption(mapping.Metadata, network, secret is not null),
                Tls = secret is null ? null : [new IngressTls { Hosts = [domain], SecretName = secret, SecretNamespace = ns }],
                Rules =
                [
                    new IngressRule
                    {
                        Hosts = [domain],
                        Visibility = "ExternalIP",
                        Http = new HttpIngressRuleValue { Paths = [Path(domain, ns, target)] },
                    },
                ],
            },
        };
    }

    private static HttpIngressPath Path(string domain, string ns, string target) => new()
    {
        RewriteHost = $"{target}.{ns}.{DomainConfig.ClusterLocal}",
        Splits =
        [
            new IngressBackendSplit
            {
                ServiceNamespace = ns,
                ServiceName = target,
                ServicePort = 80,
                Percent = 100,
                AppendHeaders = new SortedDictionary<string, string>(StringComparer.Ordinal) { [KnHeaders.OriginalHost] = domain },
            },
        ],
    };
}
