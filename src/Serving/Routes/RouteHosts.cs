using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>The configuration under which a Route gets its name makes no host name.</summary>
internal sealed class DomainException(string message) : Exception(message);

/// <summary>Host names and URLs of a Route and its tags (serving.md 9.3).</summary>
internal sealed class RouteHosts(KnRoute route, NetworkConfig network, DomainConfig domains)
{
    private readonly string _namespace = route.Metadata.NamespaceProperty;

    /// <summary>The name that the cluster's DNS knows: <c>route.namespace.svc.cluster.local</c>.</summary>
    public string ClusterName { get; } = $"{route.Metadata.Name}.{route.Metadata.NamespaceProperty}.{DomainConfig.ClusterLocal}";

    /// <summary>Whether the whole Route answers inside the cluster only: by its label, or by its domain.</summary>
    /// <exception cref="DomainException"/>
    public bool IsClusterLocal() =>
        Render(network.DomainTemplate, route.Metadata.Name, route.Metadata.Labels)
            .EndsWith(DomainConfig.ClusterDomain, StringComparison.Ordinal);

    /// <summary>The first label of a tag's host, and the name of its placeholder Service; the Route's own name without a tag.</summary>
    public string NameOf(string tag) => tag.Length == 0
        ? route.Metadata.Name
        : Rendered(network.TagTemplate, new Dictionary<string, object?>
        {
            ["Name"] = route.Metadata.Name,
            ["Tag"] = tag,
            ["Labels"] = route.Metadata.Labels,
            ["Annotations"] = route.Metadata.Annotations,
        });

    /// <exception cref="DomainException"/>
    public string HostOf(string tag, bool isLocal)
    {
        var labels = Maps.Keep(route.Metadata.Labels, key => key != NetworkingKeys.Visibility);
        return isLocal
            ? Render(NetworkConfig.DefaultDomainTemplate, NameOf(tag), labels.With(NetworkingKeys.Visibility, NetworkingKeys.ClusterLocal))
            : Render(network.DomainTemplate, NameOf(tag), labels);
    }

    /// <summary>With the gateway's port when it is not the scheme's own; names inside the cluster never carry it.</summary>
    /// <param name="secured">The hosts that answer under https.</param>
    public string UrlOf(string tag, bool isLocal, IReadOnlySet<string> secured)
    {
        var host = HostOf(tag, isLocal);
        var hasCertificate = secured.Contains(host);
        return isLocal ? $"{(hasCertificate ? "https" : "http")}://{host}" : network.ExternalUrl(host, hasCertificate);
    }

    /// <summary>The forms under which a cluster-local name is asked for: <c>n.ns</c>, <c>n.ns.svc</c>,
    /// <c>n.ns.svc.cluster.local</c>.</summary>
    public List<string> LocalHostsOf(string tag)
    {
        var name = $"{NameOf(tag)}.{_namespace}";
        return [name, $"{name}.svc", $"{name}.{DomainConfig.ClusterLocal}"];
    }

    private string Render(GoTemplate template, string name, IDictionary<string, string>? labels)
    {
        var host = Rendered(template, new Dictionary<string, object?>
        {
            ["Name"] = name,
            ["Namespace"] = _namespace,
            ["Domain"] = domains.DomainFor(labels),
            ["Labels"] = labels,
            ["Annotations"] = route.Metadata.Annotations,
        });
        return DnsNames.IsFullyQualified(host)
            ? host
            : throw new DomainException(
                $"domain name error: invalid domain name \"{host}\": every label must be a DNS label of at most 63 characters; look at " +
                "domain-template and tag-template in config-network, and at config-domain");
    }

    private static string Rendered(GoTemplate template, Dictionary<string, object?> values)
    {
        try
        {
            return template.Render(values);
        }
        catch (FormatException e)
        {
            throw new DomainException($"domain name error: {e.Message}");
        }
    }
}
