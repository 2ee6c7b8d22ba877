using System.Collections.Immutable;
using System.Globalization;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;

namespace Knet.Gateway.Model;

/// <summary>What the Service that a split names is, by the view's objects. Pure, as views are.</summary>
/// <param name="gatewayDomain">The gateway's own name in the cluster: Services that are aliases of it lead back here.</param>
internal sealed class ServiceResolver(IView view, string gatewayDomain)
{
    private const string KubernetesH2C = "kubernetes.io/h2c";

    /// <summary>Services that do not exist (yet), as <c>namespace/name</c>.</summary>
    public List<string> Missing { get; } = [];

    public BackendRules Resolve(IngressBackendSplit split, string host)
    {
        var (ns, name) = (split.ServiceNamespace, split.ServiceName);
        var service = view.Get<V1Service>(ns, name);
        if (service?.Metadata.Labels is { } labels && labels.TryGetValue(NetworkingKeys.ServerlessService, out var revision))
        {
            return new BackendRules.Revision(ns, revision);
        }

        if (service is null)
        {
            if (view.Get<KnRevision>(ns, name) is not null)
            {
                return new BackendRules.Revision(ns, name);
            }

            Missing.Add($"{ns}/{name}");
            return new BackendRules.Addresses([], false);
        }

        var port = FindPort(service, split.ServicePort);
        var http2 = port is not null && (port.AppProtocol == KubernetesH2C || port.Name is "http2" or "h2c");
        if (service.Spec.Type == "ExternalName")
        {
            var external = service.Spec.ExternalName.TrimEnd('.');
            return string.Equals(external, gatewayDomain, StringComparison.OrdinalIgnoreCase)
                ? new BackendRules.Host(host)
                : new BackendRules.Addresses([Authority(external, (string)split.ServicePort)], http2);
        }

        return new BackendRules.Addresses(Addresses(service, port), http2);
    }

    private static V1ServicePort? FindPort(V1Service service, IntOrString wanted)
    {
        var text = (string)wanted;
        var ports = service.Spec.Ports ?? [];
        return ports.FirstOrDefault(p => p.Name == text || p.Port.ToString(CultureInfo.InvariantCulture) == text);
    }

    private ImmutableArray<string> Addresses(V1Service service, V1ServicePort? port)
    {
        if (port is null)
        {
            return [];
        }

        var endpoints = view.Get<V1Endpoints>(service.Metadata.NamespaceProperty, service.Metadata.Name);
        var found = (endpoints?.Subsets ?? [])
            .SelectMany(subset => (subset.Ports ?? [])
                .Where(p => (p.Name ?? "") == (port.Name ?? ""))
                .SelectMany(p => (subset.Addresses ?? []).Select(a => Authority(a.Ip, p.Port.ToString(CultureInfo.InvariantCulture)))))
            .Order(StringComparer.Ordinal)
            .ToImmutableArray();
        return found;
    }

    private static string Authority(string host, string port) =>
        host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
}
