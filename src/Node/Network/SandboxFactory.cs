using System.Net;
using Knet.Node.Network.Netlink;
using Knet.Node.Runtime;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Network;

/// <summary>A namespace that exists in the kernel, with the descriptor through which it is entered.</summary>
internal sealed record LiveSandbox(PodSandbox Sandbox, IPAddress Address, SafeFileHandle Namespace)
{
    /// <summary>Uid of the pod that has it; empty in the pool.</summary>
    public string PodUid { get; init; } = "";
}

/// <summary>
/// Makes and destroys pods' namespaces: lo and eth0 up, address, routes and neighbours set, pinned on a file. Everything goes through
/// netlink on one thread; no process is started.
/// </summary>
/// <remarks>
/// Pods hang on point-to-point links, not on a common segment: each host end carries a /32 route, so that all traffic between pods is
/// routed by the host. NAT for Services then works between any two of them without br_netfilter, no pod can pose as its neighbour, and
/// packets for a pod that is gone meet the range's unreachable route and fail at once.
/// </remarks>
internal sealed class SandboxFactory : IDisposable
{
    private const string PodInterface = "eth0";

    // Locally administered. Links are point to point, so every host end may have the same.
    private static readonly byte[] HostMac = [0x02, 0x4b, 0x6e, 0x00, 0x00, 0x01];

    private readonly NetworkOptions _options;
    private readonly NamespaceThread _thread = new("knet-netns");
    private readonly NetlinkSocket _host = new();

    public SandboxFactory(NetworkOptions options) => _options = options;

    /// <exception cref="NetworkException">The kernel refused a step; nothing is left behind.</exception>
    public Task<LiveSandbox> CreateAsync(IPAddress address) => _thread.RunAsync(() => Create(address));

    /// <summary>Opens a namespace that was made earlier; null unless it still has the address and its way to the host.</summary>
    public Task<LiveSandbox?> AdoptAsync(string path, IPAddress address) => _thread.RunAsync(() => Adopt(path, address));

    /// <summary>Unpins the namespace and deletes its interfaces; the kernel frees it with its last process. Failures are ignored:
    /// what is gone need not be deleted.</summary>
    public Task DestroyAsync(LiveSandbox live) => _thread.RunAsync(() =>
    {
        live.Namespace.Dispose();
        Unpin(live.Sandbox.NetnsPath);
        _host.Send(new NetlinkBatch().DeleteLink(live.Sandbox.Id), 19);
        return true;
    });

    /// <summary>Sets the host's side of a namespace again; one whose interface is gone stays as it is.</summary>
    public Task ReattachAsync(LiveSandbox live) => _thread.RunAsync(() =>
    {
        if (_host.FindLink(live.Sandbox.Id) != 0)
        {
            Attach(live.Sandbox.Id, live.Address);
        }

        return true;
    });

    public static void Unpin(string path)
    {
        while (Native.Unmount(path, Native.MntDetach) == 0)
        {
            // Mounted more than once after an interrupted start: take all away.
        }

        File.Delete(path);
    }

    public void Dispose()
    {
        _thread.Dispose();
        _host.Dispose();
    }

    private static byte[] PodMac(IPAddress address) => [0x02, 0x4b, .. address.GetAddressBytes()];

    private string Id(IPAddress address) => $"{_options.InterfacePrefix}{Ipv4.ToNumber(address):x8}";

    private LiveSandbox Create(IPAddress address)
    {
        var id = Id(address);
        var path = Path.Combine(_options.RunDirectory, id);
        Unpin(path);
        File.WriteAllBytes(path, []);
        try
        {
            if (Native.Unshare(LinuxCalls.NewNetworkNamespace) != 0)
            {
                throw LinuxCalls.Failure("making a network namespace");
            }

            try
            {
                if (Native.Mount("/proc/thread-self/ns/net", path, null, Native.MsBind, null) != 0)
                {
                    throw LinuxCalls.Failure($"pinning a network namespace on {path}");
                }

                Furnish(id, address);
            }
            finally
            {
                _thread.Return();
            }

            Attach(id, address);
            return new(new(id, path, address.ToString()), address, LinuxCalls.OpenNamespace(path));
        }
        catch
        {
            Unpin(path);
            _host.Send(new NetlinkBatch().DeleteLink(id), 19);
            throw;
        }
    }

    // Inside the new namespace.
    private void Furnish(string id, IPAddress address)
    {
        using var inside = new NetlinkSocket();
        var gateway = _options.GatewayAddress;
        var handle = _thread.Host.DangerousGetHandle().ToInt32();
        inside.Send(
            new NetlinkBatch().SetUp(1, ipv6: true)
                .AddVeth(PodInterface, PodMac(address), id, HostMac, handle, _options.Mtu));
        var index = inside.FindLink(PodInterface);
        inside.Send(new NetlinkBatch()
            .SetUp(index)
            .AddAddress(index, address, 32)
            .AddNeighbour(index, gateway, HostMac)
            .AddLinkRoute(new IPNetwork(gateway, 32), index)
            .AddDefaultRoute(gateway, index));

        // As container runtimes have it: no privilege is needed for ping and for ports below 1024 within a pod's own network.
        File.WriteAllText("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
        File.WriteAllText("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    }

    // On the host's side.
    private void Attach(string id, IPAddress address)
    {
        var index = _host.FindLink(id);
        _host.Send(new NetlinkBatch()
            .SetUp(index)
            .AddNeighbour(index, address, PodMac(address))
            .AddLinkRoute(new IPNetwork(address, 32), index, _options.GatewayAddress));
    }

    private LiveSandbox? Adopt(string path, IPAddress address)
    {
        var id = Id(address);
        if (!File.Exists(path) || _host.FindLink(id) == 0)
        {
            return null;
        }

        var handle = LinuxCalls.OpenNamespace(path);
        if (Native.EnterNamespace(handle, LinuxCalls.NewNetworkNamespace) != 0)
        {
            handle.Dispose();
            return null;
        }

        bool fits;
        try
        {
            using var inside = new NetlinkSocket();
            fits = inside.Send(new NetlinkBatch().ListAddresses())
                .Any(reply => reply.Attribute(8, 2).Span.SequenceEqual(address.GetAddressBytes()));
        }
        finally
        {
            _thread.Return();
        }

        if (!fits)
        {
            handle.Dispose();
            return null;
        }

        Attach(id, address);
        return new(new(id, path, address.ToString()), address, handle);
    }
}
