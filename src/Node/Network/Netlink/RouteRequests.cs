using System.Buffers.Binary;
using System.Net;

namespace Knet.Node.Network.Netlink;

/// <summary>The rtnetlink requests that the pod network needs. Numbers are from linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h.</summary>
internal static class RouteRequests
{
    /// <summary>The protocol number (rtm_protocol) of our routes, so that <c>ip route</c> shows whose they are.</summary>
    public const byte RouteProtocol = 75;

    public const ushort NewLink = 16, DeleteLinkType = 17, GetLink = 18, SetLink = 19, NewAddress = 20, GetAddress = 22;
    public const ushort NewRoute = 24, DeleteRouteType = 25, GetRoute = 26, NewNeighbour = 28;

    private const ushort Request = 1, Ack = 4, Replace = 0x100, Exclusive = 0x200, Create = 0x400, Dump = 0x300;
    private const byte Inet = 2, Inet6 = 10;
    private const byte MainTable = 254, Universe = 0, LinkScope = 253, Unicast = 1, Unreachable = 7;
    private const ushort LinkAddress = 1, LinkName = 3, LinkMtu = 4, LinkInfo = 18, AfSpec = 26, NetNsFd = 28;

    /// <summary>A bridge without ports.</summary>
    public static NetlinkBatch AddBridge(this NetlinkBatch batch, string name) =>
        batch.Begin(NewLink, Request | Ack | Create | Exclusive, $"create bridge {name}")
            .Raw(Link(0)).Attribute(LinkName, name)
            .Nested(LinkInfo, info => info.Attribute(1, "bridge"u8))
            .End();

    /// <summary>A pair of interfaces: one here, its peer in the network namespace of <paramref name="peerNamespace"/>. Made in
    /// place: moving an interface later would wait for the kernel's grace periods.</summary>
    public static NetlinkBatch AddVeth(
        this NetlinkBatch batch, string name, byte[] mac, string peerName, byte[] peerMac, int peerNamespace, int mtu) =>
        batch.Begin(NewLink, Request | Ack | Create | Exclusive, $"create veth {name} with peer {peerName}")
            .Raw(Link(0)).Attribute(LinkName, name).Attribute(LinkAddress, mac).Attribute(LinkMtu, mtu)
            .Nested(LinkInfo, info => info
                .Attribute(1, "veth"u8)
                .Nested(2, data => data.Nested(1, peer => peer
                    .Raw(Link(0)).Attribute(LinkName, peerName).Attribute(LinkAddress, peerMac)
                    .Attribute(LinkMtu, mtu).Attribute(NetNsFd, peerNamespace))))
            .End();

    public static NetlinkBatch DeleteLink(this NetlinkBatch batch, string name) =>
        batch.Begin(DeleteLinkType, Request | Ack, $"delete link {name}").Raw(Link(0)).Attribute(LinkName, name).End();

    public static NetlinkBatch FindLink(this NetlinkBatch batch, string name) =>
        batch.Begin(GetLink, Request | Ack, $"find link {name}").Raw(Link(0)).Attribute(LinkName, name).End();

    public static NetlinkBatch ListLinks(this NetlinkBatch batch) =>
        batch.Begin(GetLink, Request | Dump, "list links").Raw(Link(0)).End();

    public static NetlinkBatch ListAddresses(this NetlinkBatch batch) =>
        batch.Begin(GetAddress, Request | Dump, "list addresses").Raw([Inet, 0, 0, 0, 0, 0, 0, 0]).End();

    /// <summary>Up, and without IPv6 addresses of its own making (they would announce themselves and cost time).</summary>
    public static NetlinkBatch SetUp(this NetlinkBatch batch, int index, bool ipv6 = false)
    {
        if (!ipv6)
        {
            // IN6_ADDR_GEN_MODE_NONE (1) in IFLA_INET6_ADDR_GEN_MODE (8); its own request because flags are applied first within one.
            batch.Begin(SetLink, Request | Ack, $"no IPv6 address on link {index}").Raw(Link(index))
                .Nested(AfSpec, spec => spec.Nested(Inet6, inet6 => inet6.Attribute(8, [1]))).End();
        }

        return batch.Begin(SetLink, Request | Ack, $"set link {index} up").Raw(Link(index, flags: 1, change: 1)).End();
    }

    public static NetlinkBatch AddAddress(this NetlinkBatch batch, int index, IPAddress address, byte prefixLength)
    {
        var header = new byte[] { Inet, prefixLength, 0, Universe, 0, 0, 0, 0 };
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), index);
        return batch.Begin(NewAddress, Request | Ack | Create | Replace, $"add address {address}/{prefixLength} to link {index}")
            .Raw(header).Attribute(2, address.GetAddressBytes()).Attribute(1, address.GetAddressBytes()).End();
    }

    /// <summary>A route to hosts that are on the link.</summary>
    public static NetlinkBatch AddLinkRoute(this NetlinkBatch batch, IPNetwork to, int index, IPAddress? source = null)
    {
        batch.Begin(NewRoute, Request | Ack | Create | Replace, $"add route {to} on link {index}")
            .Raw(Route(to, LinkScope, Unicast)).Attribute(1, to.BaseAddress.GetAddressBytes()).Attribute(4, index);
        if (source is not null)
        {
            batch.Attribute(7, source.GetAddressBytes());
        }

        return batch.End();
    }

    public static NetlinkBatch AddDefaultRoute(this NetlinkBatch batch, IPAddress gateway, int index) =>
        batch.Begin(NewRoute, Request | Ack | Create | Replace, $"add default route via {gateway}")
            .Raw(Route(default, Universe, Unicast)).Attribute(5, gateway.GetAddressBytes()).Attribute(4, index).End();

    /// <summary>Packets to <paramref name="to"/> that no better route takes are refused here.</summary>
    public static NetlinkBatch AddUnreachable(this NetlinkBatch batch, IPNetwork to, int metric) =>
        batch.Begin(NewRoute, Request | Ack | Create | Replace, $"add unreachable route {to}")
            .Raw(Route(to, Universe, Unreachable)).Attribute(1, to.BaseAddress.GetAddressBytes()).Attribute(6, metric).End();

    public static NetlinkBatch DeleteUnreachable(this NetlinkBatch batch, IPNetwork to, int metric) =>
        batch.Begin(DeleteRouteType, Request | Ack, $"delete unreachable route {to}")
            .Raw(Route(to, Universe, Unreachable)).Attribute(1, to.BaseAddress.GetAddressBytes()).Attribute(6, metric).End();

    /// <summary>A permanent neighbour: nobody needs to ask who has the address.</summary>
    public static NetlinkBatch AddNeighbour(this NetlinkBatch batch, int index, IPAddress address, byte[] mac)
    {
        var header = new byte[12];
        header[0] = Inet;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), index);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), 0x80);
        return batch.Begin(NewNeighbour, Request | Ack | Create | Replace, $"add neighbour {address} on link {index}")
            .Raw(header).Attribute(1, address.GetAddressBytes()).Attribute(2, mac).End();
    }

    private static byte[] Link(int index, uint flags = 0, uint change = 0)
    {
        var header = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), change);
        return header;
    }

    private static byte[] Route(IPNetwork to, byte scope, byte type) =>
        [Inet, (byte)to.PrefixLength, 0, 0, MainTable, RouteProtocol, scope, type, 0, 0, 0, 0];
}
