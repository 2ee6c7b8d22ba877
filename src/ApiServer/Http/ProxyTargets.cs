using System.Globalization;
using System.Net;
using System.Net.Sockets;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;

namespace Knet.ApiServer.Http;

/// <summary>Where <c>pods/NAME/proxy</c> and <c>services/NAME/proxy</c> lead; NAME may be <c>scheme:name:port</c>.</summary>
internal sealed class ProxyTargets(IObjectLookup lookup)
{
    private static readonly ResourceType Pods = ResourceType.Of<V1Pod>();
    private static readonly ResourceType Services = ResourceType.Of<V1Service>();
    private static readonly ResourceType Endpoints = ResourceType.Of<V1Endpoints>();

    /// <returns>Scheme, address and port, such as <c>http://10.42.0.7:8080</c>.</returns>
    /// <exception cref="KubeException">400 a name that is none, 404 no such object, 503 nobody to ask.</exception>
    public async Task<Uri> FindAsync(ApiRoute route, CancellationToken cancellationToken)
    {
        var (scheme, name, port) = Split(route);
        return route.Resource == "pods"
            ? OfPod(await GetAsync(Pods, route.Namespace, name, cancellationToken), scheme, port)
            : await OfServiceAsync(route.Namespace, scheme, name, port, cancellationToken);
    }

    /// <summary>What a proxied name says.</summary>
    /// <exception cref="KubeException">400.</exception>
    internal static (string Scheme, string Name, string Port) Split(ApiRoute route)
    {
        var parts = route.Name.Split(':');
        var (scheme, name, port) = parts switch
        {
            [var only] => ("", only, ""),
            [var first, var second] => ("", first, second),
            [var first, var second, var third] => (first, second, third),
            _ => ("?", "", ""),
        };
        return scheme is "" or "http" or "https" && name.Length > 0
            ? (scheme.Length == 0 ? "http" : scheme, name, port)
            : throw Refusals.BadRequest($"invalid {(route.Resource == "pods" ? "pod" : "service")} request \"{route.Name}\"");
    }

    internal static Uri OfPod(KubeDocument document, string scheme, string port)
    {
        var pod = document.As<V1Pod>();
        if (port.Length == 0)
        {
            port = pod.Spec.Containers.SelectMany(c => c.Ports ?? []).Select(p => p.ContainerPort.ToString(CultureInfo.InvariantCulture))
                .FirstOrDefault("80");
        }

        return string.IsNullOrEmpty(pod.Status?.PodIP)
            ? throw Unavailable($"pod {pod.Metadata.Name} has no address yet")
            : Target(scheme, pod.Status.PodIP, Number(port));
    }

    private async Task<Uri> OfServiceAsync(string ns, string scheme, string name, string port, CancellationToken cancellationToken)
    {
        var service = (await GetAsync(Services, ns, name, cancellationToken)).As<V1Service>();
        if (int.TryParse(port, CultureInfo.InvariantCulture, out var number))
        {
            port = (service.Spec.Ports ?? []).FirstOrDefault(p => p.Port == number) is { } found
                ? found.Name ?? ""
                : throw Unavailable($"no service port {number} found for service \"{name}\"");
        }

        var endpoints = (await lookup.FindAsync(Endpoints, ns, name, cancellationToken))?.As<V1Endpoints>();
        var choices = (endpoints?.Subsets ?? [])
            .SelectMany(s => (s.Ports ?? []).Where(p => (p.Name ?? "") == port), (s, p) => (Addresses: s.Addresses ?? [], p.Port))
            .SelectMany(s => s.Addresses, (s, a) => (a.Ip, s.Port)).ToList();
        if (choices.Count == 0)
        {
            throw Unavailable($"no endpoints available for service \"{name}\"");
        }

        var chosen = choices[Random.Shared.Next(choices.Count)];
        return Target(scheme, chosen.Ip, chosen.Port);
    }

    private async Task<KubeDocument> GetAsync(ResourceType type, string ns, string name, CancellationToken cancellationToken) =>
        await lookup.FindAsync(type, ns, name, cancellationToken) ?? throw Refusals.NotFound(type, name);

    private static int Number(string port) => ushort.TryParse(port, CultureInfo.InvariantCulture, out var number) && number > 0
        ? number
        : throw Refusals.BadRequest($"a pod's port must be a number from 1 to 65535, not \"{port}\"");

    // Whoever may write Endpoints must not reach this machine's own programs, or its cloud's, through the API server.
    private static Uri Target(string scheme, string address, int port)
    {
        var isProxyable = IPAddress.TryParse(address, out var ip) && !IPAddress.IsLoopback(ip) && !ip.Equals(IPAddress.Any)
            && !ip.Equals(IPAddress.IPv6Any) && !ip.IsIPv6LinkLocal && !ip.IsIPv6Multicast && !ip.IsIPv4MappedToIPv6
            && (ip.AddressFamily != AddressFamily.InterNetwork || ip.GetAddressBytes() is [not 169, ..] or [169, not 254, ..])
            && (ip.AddressFamily != AddressFamily.InterNetwork || ip.GetAddressBytes()[0] < 224);
        return isProxyable ? new UriBuilder(scheme, ip!.ToString(), port).Uri : throw Refusals.BadRequest($"address not allowed: {address}");
    }

    private static KubeException Unavailable(string message) => KubeException.Of(503, "ServiceUnavailable", message);
}
