using System.Net;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Node.ServiceProxy;

/// <summary>A named port of a Service's backend. The name is empty when the Service has one port without a name.</summary>
public sealed record BackendPort(string Name, string Protocol, int Port);

/// <summary>One ready endpoint of a Service.</summary>
/// <param name="Hostname">The endpoint's name under a headless Service, or null.</param>
public sealed record ServiceBackend(IPAddress Address, string? Hostname, IReadOnlyList<BackendPort> Ports);

/// <summary>A Service with its ready endpoints. Shared: never change the Service.</summary>
public sealed record ServiceEntry(V1Service Service, IReadOnlyList<ServiceBackend> Backends)
{
    public ObjectKey Key => new(Service.Metadata.NamespaceProperty ?? "", Service.Metadata.Name ?? "");

    /// <summary>The Service has no address of its own; its name stands for its endpoints.</summary>
    public bool IsHeadless => Service.Spec?.ClusterIP == "None";

    /// <summary>The Service's IPv4 cluster address; null for headless Services and ExternalName.</summary>
    public IPAddress? ClusterIp =>
        Service.Spec?.Type != "ExternalName" && Network.Ipv4.TryParse(Service.Spec?.ClusterIP, out var address) ? address : null;
}

/// <summary>All Services and where they lead now: what DNS answers from and what the proxy's rules are made of.</summary>
public interface IServiceDirectory
{
    /// <summary>Called after a Service or its endpoints changed, appeared or went; handlers must be quick and must not throw.</summary>
    event Action<ObjectKey>? Changed;

    IReadOnlyCollection<ServiceEntry> All { get; }
    ServiceEntry? Find(string ns, string name);
    ServiceEntry? FindByClusterIp(IPAddress address);

    /// <summary>The namespace has at least one Service.</summary>
    bool HasNamespace(string ns);

    /// <summary>Completes when the directory knows everything there was at the start.</summary>
    Task WaitForSyncAsync(CancellationToken cancellationToken);
}
