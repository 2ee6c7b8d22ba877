using System.Buffers.Binary;
using System.Text;

namespace Knet.Node.Network.Netlink;

/// <summary>One message from the kernel.</summary>
/// <param name="Type">NLMSG_ERROR (2), NLMSG_DONE (3), or an RTM_* number.</param>
/// <param name="Sequence">The request that it answers.</param>
/// <param name="Payload">What follows the header.</param>
internal readonly record struct NetlinkReply(ushort Type, int Sequence, ReadOnlyMemory<byte> Payload)
{
    public const ushort Error = 2, Done = 3;

    /// <summary>For <see cref="Error"/>: 0 for an acknowledgement, else a positive errno.</summary>
    public int Errno => Type == Error && Payload.Length >= 4 ? -BinaryPrimitives.ReadInt32LittleEndian(Payload.Span) : 0;

    /// <summary>Index of the link, for replies about links and addresses.</summary>
    public int LinkIndex => Payload.Length >= 8 ? BinaryPrimitives.ReadInt32LittleEndian(Payload.Span[4..]) : 0;

    /// <summary>Splits what was received at once into messages; a truncated last message ends the list.</summary>
    public static List<NetlinkReply> Parse(ReadOnlyMemory<byte> received)
    {
        var replies = new List<NetlinkReply>();
        while (received.Length >= 16)
        {
            var span = received.Span;
            var length = BinaryPrimitives.ReadInt32LittleEndian(span);
            if (length < 16 || length > received.Length)
            {
                break;
            }

            var type = BinaryPrimitives.ReadUInt16LittleEndian(span[4..]);
            replies.Add(new(type, BinaryPrimitives.ReadInt32LittleEndian(span[8..]), received[16..length]));
            received = received[Math.Min((length + 3) & ~3, received.Length)..];
        }

        return replies;
    }

    /// <summary>The value of an attribute after a family header of <paramref name="headerLength"/> bytes; empty when absent.</summary>
    public ReadOnlyMemory<byte> Attribute(int headerLength, ushort type)
    {
        var rest = Payload.Length > headerLength ? Payload[headerLength..] : default;
        while (rest.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(rest.Span);
            if (length < 4 || length > rest.Length)
            {
                break;
            }

            // The two top bits of a type are flags (nested, byte order).
            if ((BinaryPrimitives.ReadUInt16LittleEndian(rest.Span[2..]) & 0x3fff) == type)
            {
                return rest[4..length];
            }

            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }

        return default;
    }

    public string Text(int headerLength, ushort type) => Encoding.UTF8.GetString(Attribute(headerLength, type).Span).TrimEnd('\0');
}
