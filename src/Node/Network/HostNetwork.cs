using System.Globalization;
using System.Net;
using Knet.Node.Network.Netlink;

namespace Knet.Node.Network;

/// <summary>
/// The host's side of the pod network: gateway interface, routes that keep packets for pods and Services on this machine, nftables,
/// forwarding. Everything can be taken away again from its options alone, also after a crash.
/// </summary>
public static class HostNetwork
{
    private const int NoProcess = 3, Exists = 17, NoDevice = 19;

    // Any route of others to a part of our ranges shall win over the refusal, so it has the worst metric but one.
    private const int UnreachableMetric = int.MaxValue - 1;

    /// <summary>Makes what is missing; harmless when everything is there.</summary>
    /// <exception cref="NetworkException">A range is in use by another interface, or the kernel or nft refused.</exception>
    public static async Task SetUpAsync(NetworkOptions options, CancellationToken cancellationToken)
    {
        options.Validate();
        using (var netlink = new NetlinkSocket())
        {
            var index = EnsureBridge(netlink, options);
            RefuseConflicts(netlink, options, index);

            // A Service's address must have a route, for the kernel looks it up before NAT changes the destination. It leads to an
            // interface without ports: what NAT does not take goes nowhere. The unreachable routes stand in when that one is down.
            netlink.Send(new NetlinkBatch()
                .AddLinkRoute(options.ServiceRange, index, options.GatewayAddress)
                .AddUnreachable(options.ServiceRange, UnreachableMetric)
                .AddUnreachable(options.PodRange, UnreachableMetric));
        }

        // Rules before forwarding: at no moment does the machine forward what it should not.
        var closed = await Forwarding.RememberAsync(options, cancellationToken);
        await Nft.RunAsync(HostRules.Program(options, closed), cancellationToken);
        await Forwarding.TurnOnAsync(cancellationToken);
    }

    /// <summary>Unpins namespaces and deletes interfaces of pods whose sandbox id <paramref name="which"/> accepts.</summary>
    public static Task RemoveSandboxesAsync(NetworkOptions options, Func<string, bool> which, CancellationToken cancellationToken)
    {
        if (Directory.Exists(options.RunDirectory))
        {
            foreach (var file in Directory.EnumerateFiles(options.RunDirectory))
            {
                if (IsSandbox(options, Path.GetFileName(file)) && which(Path.GetFileName(file)))
                {
                    SandboxFactory.Unpin(file);
                }
            }
        }

        using var netlink = new NetlinkSocket();
        foreach (var link in netlink.Send(new NetlinkBatch().ListLinks()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = link.Text(16, 3);
            if (IsSandbox(options, name) && which(name))
            {
                netlink.Send(new NetlinkBatch().DeleteLink(name), NoDevice);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>
    /// Takes away everything made under these options: sandboxes, gateway interface, routes, nftables, and puts forwarding back as it
    /// was. Idempotent; needs no running daemon. Containers must have been stopped before.
    /// </summary>
    /// <exception cref="NetworkException">The kernel or nft refused.</exception>
    public static async Task TeardownAsync(NetworkOptions options, CancellationToken cancellationToken)
    {
        options.Validate();
        await RemoveSandboxesAsync(options, static _ => true, cancellationToken);
        using (var netlink = new NetlinkSocket())
        {
            netlink.Send(
                new NetlinkBatch()
                    .DeleteLink(options.BridgeName)
                    .DeleteUnreachable(options.ServiceRange, UnreachableMetric)
                    .DeleteUnreachable(options.PodRange, UnreachableMetric),
                NoDevice, NoProcess);
        }

        // The rules go last: they guard for as long as anything is forwarded.
        await Forwarding.RestoreAsync(options, cancellationToken);
        await Nft.RunAsync(
            $"{HostRules.Remove(options.TableName)}\n{HostRules.Remove(options.ServicesTableName)}\n", cancellationToken);
        if (Directory.Exists(options.RunDirectory) && !Directory.EnumerateFileSystemEntries(options.RunDirectory).Any())
        {
            Directory.Delete(options.RunDirectory);
        }
    }

    private static bool IsSandbox(NetworkOptions options, string name) =>
        name.Length == options.InterfacePrefix.Length + 8
        && name.StartsWith(options.InterfacePrefix, StringComparison.Ordinal)
        && uint.TryParse(name.AsSpan(options.InterfacePrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);

    private static int EnsureBridge(NetlinkSocket netlink, NetworkOptions options)
    {
        if (netlink.FindLink(options.BridgeName) == 0)
        {
            netlink.Send(new NetlinkBatch().AddBridge(options.BridgeName), Exists);
        }

        var index = netlink.FindLink(options.BridgeName);
        netlink.Send(new NetlinkBatch().SetUp(index).AddAddress(index, options.GatewayAddress, 32));
        return index;
    }

    private static void RefuseConflicts(NetlinkSocket netlink, NetworkOptions options, int bridge)
    {
        foreach (var reply in netlink.Send(new NetlinkBatch().ListAddresses()))
        {
            var bytes = reply.Attribute(8, 2).Span;
            if (bytes.Length != 4 || reply.LinkIndex == bridge)
            {
                continue;
            }

            var address = new IPAddress(bytes);
            foreach (var range in (IPNetwork[])[options.PodRange, options.ServiceRange])
            {
                if (range.Contains(address))
                {
                    throw new NetworkException(
                        $"interface {reply.LinkIndex} of this machine has address {address}, which lies in {range}: choose another "
                        + $"{nameof(NetworkOptions.PodRange)} or {nameof(NetworkOptions.ServiceRange)}");
                }
            }
        }
    }
}
