using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>All that the Ingress of a Route is made from.</summary>
/// <param name="Shares">What each name (empty for the Route itself, else a tag) sends where: Revision, percent, protocol.</param>
/// <param name="LocalNames">Names that answer inside the cluster only.</param>
internal sealed record RouteTraffic(
    IReadOnlyDictionary<string, List<TrafficShare>> Shares, IReadOnlySet<string> LocalNames, Rollout Rollout, RouteCertificates Certificates);

internal sealed record TrafficShare(string Revision, int Percent, string Protocol);

/// <summary>The Ingress of a Route (serving.md 9.5).</summary>
internal static class RouteIngress
{
    public static string NameFor(KnRoute route) => ChildNames.For(route.Metadata.Name, "");

    public static KnIngress For(KnRoute route, RouteTraffic traffic, RouteHosts hosts, NetworkConfig network, FeaturesConfig features)
    {
        var byHeader = features.TagHeaderBasedRouting == FeatureFlag.Enabled;
        var annotations = IngressSettings.Annotations(route.Metadata, network)
            .With(NetworkingKeys.Rollout, traffic.Rollout.ToString())
            .With(NetworkingKeys.TagToHost, byHeader ? TagHosts(traffic, hosts) : null);
        return new KnIngress
        {
            Metadata = new V1ObjectMeta
            {
                Name = NameFor(route),
                NamespaceProperty = route.Metadata.NamespaceProperty,
                Labels = Maps.Keep(route.Metadata.Labels)
                    .With(ServingKeys.Route, route.Metadata.Name)
                    .With(ServingKeys.RouteNamespace, route.Metadata.NamespaceProperty),
                Annotations = annotations,
                OwnerReferences = [Ownership.By(route)],
            },
            Spec = new IngressSpec
            {
                HttpOption = IngressSettings.HttpOption(route.Metadata, network, traffic.Certificates.HasExternal),
                Tls = traffic.Certificates.Tls,
                Rules = Rules(route, traffic, hosts, byHeader),
            },
        };
    }

    private static string? TagHosts(RouteTraffic traffic, RouteHosts hosts)
    {
        var result = new JsonObject();
        foreach (var tag in traffic.Shares.Keys.Where(k => k.Length > 0).Order(StringComparer.Ordinal))
        {
            var names = hosts.LocalHostsOf(tag);
            if (!traffic.LocalNames.Contains(tag))
            {
                names.Add(hosts.HostOf(tag, isLocal: false));
            }

            result[tag] = new JsonArray([.. names.Select(n => (JsonNode)n)]);
        }

        return result.Count == 0 ? null : result.ToJsonString(KubeJson.Options);
    }

    private static List<IngressRule> Rules(KnRoute route, RouteTraffic traffic, RouteHosts hosts, bool byHeader)
    {
        var rules = new List<IngressRule>();
        foreach (var name in traffic.Shares.Keys.Order(StringComparer.Ordinal))
        {
            var http = new HttpIngressRuleValue { Paths = Paths(route, name, traffic, byHeader) };
            rules.Add(new IngressRule { Hosts = hosts.LocalHostsOf(name), Visibility = "ClusterLocal", Http = http });
            if (!traffic.LocalNames.Contains(name))
            {
                rules.Add(new IngressRule { Hosts = [hosts.HostOf(name, isLocal: false)], Visibility = "ExternalIP", Http = http });
            }
        }

        return rules;
    }

    private static List<HttpIngressPath> Paths(KnRoute route, string name, RouteTraffic traffic, bool byHeader)
    {
        var normal = new HttpIngressPath { Splits = Splits(route, traffic.Shares[name]) };
        if (!byHeader)
        {
            return [normal];
        }

        if (name.Length > 0)
        {
            return [normal with { AppendHeaders = new() { [KnHeaders.Tag] = name } }];
        }

        return
        [
            .. traffic.Shares.Keys.Where(k => k.Length > 0).Order(StringComparer.Ordinal).Select(tag => new HttpIngressPath
            {
                Headers = new() { [KnHeaders.Tag] = new HeaderMatch { Exact = tag } },
                Splits = Splits(route, traffic.Shares[tag]),
            }),
            normal with { AppendHeaders = new() { [KnHeaders.DefaultRoute] = "true" } },
        ];
    }

    private static List<IngressBackendSplit> Splits(KnRoute route, List<TrafficShare> shares) =>
    [
        .. shares.Where(s => s.Percent > 0).Select(s => new IngressBackendSplit
        {
            ServiceNamespace = route.Metadata.NamespaceProperty,
            ServiceName = s.Revision,
            ServicePort = s.Protocol == "h2c" ? 81 : 80,
            Percent = s.Percent,
            AppendHeaders = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                [KnHeaders.Namespace] = route.Metadata.NamespaceProperty,
                [KnHeaders.Revision] = s.Revision,
            },
        }),
    ];
}
