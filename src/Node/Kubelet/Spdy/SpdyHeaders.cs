using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Knet.Node.Kubelet.Spdy;

/// <summary>What the peer sent is no SPDY.</summary>
internal sealed class SpdyException(string message) : IOException(message);

/// <summary>Reads the blocks of headers of one connection: they are one zlib stream, flushed after each block.</summary>
internal sealed class SpdyHeaderReader : IDisposable
{
    private const int PairsMax = 100, TextMax = 16 * 1024;
    private const byte HasDictionary = 0x20;
    private readonly Feed _feed = new();
    private readonly DeflateStream _inflate;
    private bool _begun;

    public SpdyHeaderReader() => _inflate = new DeflateStream(_feed, CompressionMode.Decompress);

    /// <summary>The headers of the next block, names in lower case.</summary>
    /// <exception cref="SpdyException">It is malformed.</exception>
    public IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> block)
    {
        try
        {
            _feed.Add(_begun ? block : Begin(block));
            var pairs = Number(PairsMax, "headers");
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            for (var i = 0; i < pairs; i++)
            {
                headers[Text()] = Text();
            }

            return headers;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new SpdyException($"a block of headers is malformed: {e.Message}");
        }
    }

    public void Dispose() => _inflate.Dispose();

    // .NET inflates without preset dictionaries, so the dictionary goes ahead of the peer's data as a stored block: what it puts into
    // the window is the same.
    private ReadOnlySpan<byte> Begin(ReadOnlySpan<byte> block)
    {
        _begun = true;
        if (block.Length < 6)
        {
            throw new SpdyException("a block of headers is too short to be zlib");
        }

        if ((block[1] & HasDictionary) == 0)
        {
            return block[2..];
        }

        var words = SpdyDictionary.Bytes;
        _feed.Add(StoredBlock.Of(words));
        _inflate.ReadExactly(new byte[words.Length]);
        return block[6..];
    }

    private int Number(int max, string what)
    {
        Span<byte> bytes = stackalloc byte[4];
        _inflate.ReadExactly(bytes);
        var number = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return number <= max ? (int)number : throw new SpdyException($"{number} {what} are more than the {max} that are accepted");
    }

    private string Text()
    {
        var bytes = new byte[Number(TextMax, "bytes of a header")];
        _inflate.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The compressed bytes that have come so far.</summary>
    private sealed class Feed : Stream
    {
        private readonly MemoryStream _bytes = new();
        private int _read;

        public void Add(ReadOnlySpan<byte> block)
        {
            if (_read == _bytes.Length)
            {
                _bytes.SetLength(_read = 0);
            }

            _bytes.Position = _bytes.Length;
            _bytes.Write(block);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            _bytes.Position = _read;
            var count = _bytes.Read(buffer);
            _read += count;
            return count;
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => _bytes.Flush();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>Writes blocks of headers: zlib without compression, which answers of a few bytes do not need.</summary>
internal sealed class SpdyHeaderWriter
{
    private bool _begun;

    public byte[] Write(IReadOnlyDictionary<string, string> headers)
    {
        var plain = new MemoryStream();
        WriteNumber(plain, headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(plain, name.ToLowerInvariant());
            WriteText(plain, value);
        }

        // An empty block after it is zlib's sync flush: Go's reader hands out nothing before it.
        byte[] block = [.. StoredBlock.Of(plain.ToArray()), .. StoredBlock.Of([])];
        byte[] result = _begun ? block : [0x78, 0x01, .. block];
        _begun = true;
        return result;
    }

    private static void WriteNumber(MemoryStream stream, int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        stream.Write(bytes);
    }

    private static void WriteText(MemoryStream stream, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteNumber(stream, bytes.Length);
        stream.Write(bytes);
    }
}

/// <summary>A block of deflate that holds its bytes as they are (RFC 1951, 3.2.4).</summary>
internal static class StoredBlock
{
    public static byte[] Of(ReadOnlySpan<byte> bytes)
    {
        var block = new byte[5 + bytes.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(1), (ushort)bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(3), (ushort)~bytes.Length);
        bytes.CopyTo(block.AsSpan(5));
        return block;
    }
}
