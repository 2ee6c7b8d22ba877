using System.Buffers.Binary;

namespace Knet.Node.Dns;

/// <summary>Writes and reads answer packets.</summary>
internal static class DnsReply
{
    private const ushort InClass = 1;

    /// <summary>A refusal of a packet that could not be read: its header, no question.</summary>
    public static byte[] Refuse(ReadOnlySpan<byte> packet, DnsCode code)
    {
        var reply = new byte[DnsQuery.HeaderLength];
        packet[..2].CopyTo(reply);
        reply[2] = (byte)(0x80 | (packet[2] & 0x79));
        reply[3] = (byte)code;
        return reply;
    }

    /// <param name="query">Its question is repeated.</param>
    /// <param name="code">Codes above 15 need EDNS.</param>
    /// <param name="answers">The answer section.</param>
    /// <param name="authority">The start of authority, for answers without records.</param>
    /// <param name="forwarding">Recursion is available.</param>
    /// <param name="sizeMax">Bytes; a longer answer loses its records and says so (the client comes back over TCP).</param>
    public static byte[] Write(
        DnsQuery query, DnsCode code, IReadOnlyList<DnsRecord> answers, DnsRecord? authority, bool forwarding, int sizeMax)
    {
        var bytes = Write(query, code, answers, authority, forwarding, truncated: false);
        return bytes.Length <= sizeMax ? bytes : Write(query, code, [], null, forwarding, truncated: true);
    }

    /// <summary>The shortest time to live among the answers, in seconds; null for what must not be kept: failures, truncated ones.</summary>
    public static uint? TimeToLive(ReadOnlySpan<byte> reply, uint negative)
    {
        if (reply.Length < DnsQuery.HeaderLength || (reply[2] & 2) != 0
            || (DnsCode)(reply[3] & 15) is not (DnsCode.NoError or DnsCode.NameError))
        {
            return null;
        }

        uint? shortest = null;
        return Walk(reply, (type, ttl, _) => shortest = Math.Min(shortest ?? ttl, ttl)) ? shortest ?? negative : null;
    }

    /// <summary>The A and AAAA records of an answer, under whatever name.</summary>
    public static List<(DnsType Type, uint Ttl, byte[] Data)> Addresses(ReadOnlySpan<byte> reply)
    {
        var found = new List<(DnsType, uint, byte[])>();
        Walk(reply, (type, ttl, data) =>
        {
            if ((type, data.Length) is (DnsType.A, 4) or (DnsType.Aaaa, 16))
            {
                found.Add((type, ttl, data));
            }
        });
        return found;
    }

    private static bool Walk(ReadOnlySpan<byte> reply, Action<DnsType, uint, byte[]> visit)
    {
        var offset = DnsQuery.HeaderLength;
        if (reply.Length < offset)
        {
            return false;
        }

        for (var i = BinaryPrimitives.ReadUInt16BigEndian(reply[4..]); i > 0; i--)
        {
            if (!DnsName.TrySkip(reply, ref offset))
            {
                return false;
            }

            offset += 4;
        }

        for (var i = BinaryPrimitives.ReadUInt16BigEndian(reply[6..]); i > 0; i--)
        {
            if (!DnsName.TrySkip(reply, ref offset) || offset + 10 > reply.Length)
            {
                return false;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(reply[(offset + 8)..]);
            if (offset + 10 + length > reply.Length)
            {
                return false;
            }

            var ttl = BinaryPrimitives.ReadUInt32BigEndian(reply[(offset + 4)..]);
            visit((DnsType)BinaryPrimitives.ReadUInt16BigEndian(reply[offset..]), ttl, reply.Slice(offset + 10, length).ToArray());
            offset += 10 + length;
        }

        return true;
    }

    private static byte[] Write(
        DnsQuery query, DnsCode code, IReadOnlyList<DnsRecord> answers, DnsRecord? authority, bool forwarding, bool truncated)
    {
        var output = new List<byte>(512);
        Number(output, query.Id);
        output.Add((byte)(0x84 | (truncated ? 2 : 0) | (query.RecursionDesired ? 1 : 0)));
        output.Add((byte)((forwarding ? 0x80 : 0) | ((int)code & 15)));
        Number(output, 1);
        Number(output, answers.Count);
        Number(output, authority is null ? 0 : 1);
        Number(output, query.HasEdns ? 1 : 0);
        output.AddRange(query.Question.Span);
        foreach (var record in answers)
        {
            Record(output, query, record);
        }

        if (authority is not null)
        {
            Record(output, query, authority);
        }

        if (query.HasEdns)
        {
            // The root's OPT: our size as class; the code's upper bits, version 0 and no flags as time to live; no options.
            output.Add(0);
            Number(output, (int)DnsType.Opt);
            Number(output, DnsQuery.UdpSizeMax);
            output.AddRange([(byte)((int)code >> 4), 0, 0, 0, 0, 0]);
        }

        return [.. output];
    }

    private static void Record(List<byte> output, DnsQuery query, DnsRecord record)
    {
        if (record.Name == query.Name)
        {
            // The question's name begins right behind the header.
            output.AddRange([0xc0, DnsQuery.HeaderLength]);
        }
        else
        {
            output.AddRange(DnsName.Encode(record.Name));
        }

        Number(output, (int)record.Type);
        Number(output, InClass);
        Number(output, (int)(record.Ttl >> 16));
        Number(output, (int)(record.Ttl & 0xffff));
        Number(output, record.Data.Length);
        output.AddRange(record.Data);
    }

    private static void Number(List<byte> output, int value)
    {
        output.Add((byte)(value >> 8));
        output.Add((byte)value);
    }
}
