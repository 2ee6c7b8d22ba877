using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Knet.Node.Dns;

/// <summary>One record of an answer; the data as it goes on the wire, without compression.</summary>
internal sealed record DnsRecord(string Name, DnsType Type, uint Ttl, byte[] Data)
{
    public static DnsRecord Address(string name, uint ttl, IPAddress address) =>
        address.GetAddressBytes() is { Length: 4 } four
            ? new(name, DnsType.A, ttl, four)
            : new(name, DnsType.Aaaa, ttl, address.GetAddressBytes());

    public static DnsRecord Alias(string name, uint ttl, string target) => new(name, DnsType.Cname, ttl, DnsName.Encode(target));

    public static DnsRecord Pointer(string name, uint ttl, string target) => new(name, DnsType.Ptr, ttl, DnsName.Encode(target));

    public static DnsRecord NameServer(string name, uint ttl, string target) => new(name, DnsType.Ns, ttl, DnsName.Encode(target));

    public static DnsRecord Text(string name, uint ttl, string text) =>
        new(name, DnsType.Txt, ttl, [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)]);

    /// <summary>Priority 0; weight shared equally, as Kubernetes' DNS specification has it.</summary>
    public static DnsRecord Service(string name, uint ttl, int weight, int port, string target)
    {
        var fixedPart = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(2), (ushort)weight);
        BinaryPrimitives.WriteUInt16BigEndian(fixedPart.AsSpan(4), (ushort)port);
        return new(name, DnsType.Srv, ttl, [.. fixedPart, .. DnsName.Encode(target)]);
    }

    /// <summary>The zone's start of authority; its last number says how long a negative answer may be kept.</summary>
    public static DnsRecord Authority(string zone, uint ttl)
    {
        var numbers = new byte[20];
        uint[] values = [1, 7200, 1800, 86400, ttl];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(numbers.AsSpan(4 * i), values[i]);
        }

        return new(zone, DnsType.Soa, ttl, [.. DnsName.Encode($"ns.dns.{zone}"), .. DnsName.Encode($"hostmaster.{zone}"), .. numbers]);
    }
}

/// <summary>What a zone says to a question.</summary>
/// <param name="Zone">Whose start of authority goes with an answer without records.</param>
internal sealed record DnsAnswer(DnsCode Code, string Zone)
{
    public IReadOnlyList<DnsRecord> Records { get; init; } = [];

    /// <summary>The records end in an alias; the addresses of this name belong to the answer too.</summary>
    public string? Alias { get; init; }
}
