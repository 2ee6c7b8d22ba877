using System.Buffers.Binary;
using System.Text;

namespace Knet.Node.Network.Netlink;

/// <summary>
/// Several rtnetlink requests in one buffer, sent with one system call. Integers are in host order (netlink's rule), addresses in
/// network order.
/// </summary>
/// <remarks>Layout after linux/netlink.h: a 16 byte header (length, type, flags, sequence, port), then a family header and attributes,
/// each padded to four bytes.</remarks>
internal sealed class NetlinkBatch
{
    private const int HeaderLength = 16;
    private readonly List<string> _steps = [];
    private byte[] _buffer = new byte[1024];
    private int _start;

    public int Length { get; private set; }

    /// <summary>What each request is for, in order: texts for error messages.</summary>
    public IReadOnlyList<string> Steps => _steps;

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

    /// <summary>Begins a request; its sequence number is its place in the batch, from 1.</summary>
    public NetlinkBatch Begin(ushort type, ushort flags, string step)
    {
        _steps.Add(step);
        _start = Length;
        var header = Take(HeaderLength);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], _steps.Count);
        return this;
    }

    public NetlinkBatch End()
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_start), Length - _start);
        return this;
    }

    /// <summary>Bytes as they are: a family header.</summary>
    public NetlinkBatch Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Take(bytes.Length));
        return this;
    }

    public NetlinkBatch Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        var span = Take(4 + value.Length);
        BinaryPrimitives.WriteInt16LittleEndian(span, (short)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(span[2..], type);
        value.CopyTo(span[4..]);
        Take(-value.Length & 3);
        return this;
    }

    public NetlinkBatch Attribute(ushort type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>A zero-terminated string.</summary>
    public NetlinkBatch Attribute(ushort type, string value)
    {
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(value.Length) + 1];
        var length = Encoding.UTF8.GetBytes(value, bytes);
        bytes[length] = 0;
        return Attribute(type, bytes[..(length + 1)]);
    }

    /// <summary>An attribute whose value is what <paramref name="content"/> writes.</summary>
    public NetlinkBatch Nested(ushort type, Action<NetlinkBatch> content)
    {
        var start = Length;
        Attribute(type, []);
        content(this);
        BinaryPrimitives.WriteInt16LittleEndian(_buffer.AsSpan(start), (short)(Length - start));
        return this;
    }

    private Span<byte> Take(int length)
    {
        if (Length + length > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + length));
        }

        var span = _buffer.AsSpan(Length, length);
        Length += length;
        return span;
    }
}
