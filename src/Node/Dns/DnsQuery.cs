using System.Buffers.Binary;

namespace Knet.Node.Dns;

/// <summary>Record types that are answered or told apart.</summary>
internal enum DnsType : ushort
{
    A = 1, Ns = 2, Cname = 5, Soa = 6, Ptr = 12, Txt = 16, Aaaa = 28, Srv = 33, Opt = 41, Any = 255,
}

/// <summary>Response codes (RFC 1035, 4.1.1; RFC 6891).</summary>
internal enum DnsCode
{
    NoError = 0, FormatError = 1, ServerFailure = 2, NameError = 3, NotImplemented = 4, Refused = 5, BadVersion = 16,
}

/// <summary>A question as it came.</summary>
/// <param name="Name">Lower case, without the dot at the end.</param>
/// <param name="Question">The question section's bytes, to be repeated in the answer (some clients vary the letters' case).</param>
/// <param name="UdpSize">What the client takes over UDP: at least 512 bytes.</param>
/// <param name="HasEdns">The client sent an OPT record; so must the answer.</param>
/// <param name="EdnsVersion">Only 0 is known.</param>
internal sealed record DnsQuery(
    ushort Id, bool RecursionDesired, string Name, DnsType Type, ushort Class, ReadOnlyMemory<byte> Question,
    int UdpSize, bool HasEdns, byte EdnsVersion)
{
    public const int HeaderLength = 12;
    private const int UdpSizeMin = 512;

    // What fits into one packet on every link; larger answers go over TCP (the DNS flag day 2020 value).
    public const int UdpSizeMax = 1232;

    /// <summary>Reads a query packet.</summary>
    /// <param name="packet">As received.</param>
    /// <param name="query">Set when the answer is <see cref="DnsCode.NoError"/>.</param>
    /// <returns>NoError; or what to answer; or null when the packet deserves no answer (too short, or itself an answer).</returns>
    public static DnsCode? Parse(ReadOnlyMemory<byte> packet, out DnsQuery? query)
    {
        query = null;
        var bytes = packet.Span;
        if (bytes.Length < HeaderLength || (bytes[2] & 0x80) != 0)
        {
            return null;
        }

        if ((bytes[2] & 0x78) != 0)
        {
            return DnsCode.NotImplemented;
        }

        var offset = HeaderLength;
        if (Count(bytes, 4) != 1 || !DnsName.TryRead(bytes, ref offset, out var name) || offset + 4 > bytes.Length)
        {
            return DnsCode.FormatError;
        }

        var (type, cls) = ((DnsType)Count(bytes, offset), Count(bytes, offset + 2));
        var question = packet[HeaderLength..(offset + 4)];
        offset += 4;
        query = new DnsQuery(Count(bytes, 0), (bytes[2] & 1) != 0, name, type, cls, question, UdpSizeMin, HasEdns: false, 0);
        return ReadEdns(bytes, offset, ref query) ? DnsCode.NoError : DnsCode.FormatError;
    }

    private static bool ReadEdns(ReadOnlySpan<byte> bytes, int offset, ref DnsQuery query)
    {
        var records = Count(bytes, 6) + Count(bytes, 8) + Count(bytes, 10);
        for (var i = 0; i < records; i++)
        {
            if (!DnsName.TrySkip(bytes, ref offset) || offset + 10 > bytes.Length)
            {
                return false;
            }

            if ((DnsType)Count(bytes, offset) == DnsType.Opt)
            {
                var size = Math.Clamp((int)Count(bytes, offset + 2), UdpSizeMin, UdpSizeMax);
                query = query with { HasEdns = true, UdpSize = size, EdnsVersion = bytes[offset + 5] };
            }

            offset += 10 + Count(bytes, offset + 8);
            if (offset > bytes.Length)
            {
                return false;
            }
        }

        return true;
    }

    private static ushort Count(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);
}
