using System.Net;

namespace Knet.Node.Network;

/// <summary>Whether pods may open connections to the world outside this machine.</summary>
public enum Egress
{
    /// <summary>They may; their addresses are hidden behind the machine's own.</summary>
    Masquerade,

    /// <summary>They may not: such packets are refused at once.</summary>
    Off,
}

/// <summary>How the node's network is laid out. Two daemons on one machine need different names, ranges and directories.</summary>
public sealed record NetworkOptions
{
    /// <summary>The interface that holds the gateway address; DNS and the API listen there. At most 15 characters.</summary>
    public string BridgeName { get; init; } = "knet0";

    /// <summary>First part of the names of the pods' interfaces on the host; eight hex digits follow. At most 7 characters.</summary>
    public string InterfacePrefix { get; init; } = "knp";

    /// <summary>Addresses of pods; the first host address is the gateway.</summary>
    public IPNetwork PodRange { get; init; } = IPNetwork.Parse("10.42.0.0/16");

    /// <summary>Cluster addresses of Services: they exist only as NAT rules.</summary>
    public IPNetwork ServiceRange { get; init; } = IPNetwork.Parse("10.43.0.0/16");

    /// <summary>Where namespaces are pinned, one file each.</summary>
    public string RunDirectory { get; init; } = "/run/knet/netns";

    /// <summary>What the machine looked like before (sysctls), for teardown.</summary>
    public string StateFile { get; init; } = "/run/knet/network.json";

    /// <summary>Where the daemons of this machine note who needs forwarding; the same for all of them.</summary>
    public string ForwardingDirectory { get; init; } = "/run/knet-forwarding";

    /// <summary>The nftables table (family ip) of the rules of safety.</summary>
    public string TableName { get; init; } = "knet";

    /// <summary>The table of the Services' NAT, apart so that it is replaced without touching the rules of safety.</summary>
    public string ServicesTableName => $"{TableName}-services";

    public Egress Egress { get; init; } = Egress.Masquerade;

    /// <summary>Namespaces kept prepared. 0 makes each on demand.</summary>
    public int PoolSize { get; init; } = 8;

    /// <summary>MTU of the pods' interfaces in bytes; larger packets to the outside are handled by path MTU discovery.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Open NodePorts on all addresses of the machine. Default: no port but the gateway's is open to the outside.</summary>
    public bool NodePorts { get; init; }

    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>The gateway of all pods: the first host address of <see cref="PodRange"/>.</summary>
    public IPAddress GatewayAddress => Ipv4.ToAddress(Ipv4.ToNumber(PodRange.BaseAddress) + 1);

    /// <exception cref="ArgumentException">A member cannot work; the message names it.</exception>
    public void Validate()
    {
        Require(BridgeName.Length is > 0 and <= 15, nameof(BridgeName), BridgeName, "must have 1 to 15 characters");
        Require(InterfacePrefix.Length is > 0 and <= 7, nameof(InterfacePrefix), InterfacePrefix, "must have 1 to 7 characters");
        Require(!BridgeName.StartsWith(InterfacePrefix, StringComparison.Ordinal), nameof(BridgeName), BridgeName,
            $"must not start with {nameof(InterfacePrefix)}: rules for pods would cover it");
        Require(PodRange.PrefixLength is >= 8 and <= 28, nameof(PodRange), PodRange, "must be an IPv4 range from /8 to /28");
        Require(ServiceRange.PrefixLength is >= 8 and <= 28, nameof(ServiceRange), ServiceRange, "must be an IPv4 range from /8 to /28");
        Require(!PodRange.Contains(ServiceRange.BaseAddress) && !ServiceRange.Contains(PodRange.BaseAddress), nameof(ServiceRange),
            ServiceRange, $"must not overlap {nameof(PodRange)} {PodRange}");
        Require(PoolSize is >= 0 and <= 1024, nameof(PoolSize), PoolSize, "must be from 0 to 1024");
        Require(Mtu is >= 576 and <= 65535, nameof(Mtu), Mtu, "must be from 576 to 65535");
    }

    private static void Require(bool condition, string member, object value, string rule)
    {
        if (!condition)
        {
            throw new ArgumentException($"{nameof(NetworkOptions)}.{member} is \"{value}\": it {rule}");
        }
    }
}
