using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Knet.Node.Kubelet.Spdy;

/// <summary>
/// The server's end of a SPDY/3.1 connection, as much of it as Kubernetes' streams need: streams that the client begins, data both ways,
/// resets, pings. Windows are not counted, as clients made with Go's spdystream do not either: a stream whose reader is slow makes the
/// connection wait.
/// </summary>
/// <param name="transport">Carries the frames: an upgraded connection or a WebSocket's messages.</param>
/// <param name="accept">Called for every new stream: false refuses it.</param>
internal sealed class SpdySession(Stream transport, Func<SpdyStream, bool> accept) : IDisposable
{
    /// <summary>Bytes of data in one frame at most.</summary>
    public const int PieceBytes = 16 * 1024;

    private const int ControlBytesMax = 64 * 1024, StreamsMax = 1000;
    private const ushort Version = 3;
    private const byte Fin = 1;
    private const uint ProtocolError = 1, RefusedStream = 3;
    private readonly ConcurrentDictionary<uint, SpdyStream> _streams = new();
    private readonly SpdyHeaderReader _reader = new();
    private readonly SpdyHeaderWriter _writer = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _buffer = new byte[PieceBytes];

    private enum Control : ushort
    {
        SynStream = 1, SynReply = 2, RstStream = 3, Ping = 6, GoAway = 7, Headers = 8,
    }

    /// <summary>Reads frames until the client goes away; then every stream's input fails.</summary>
    /// <exception cref="SpdyException">The client broke the protocol.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Exception end = new IOException("the client closed the connection");
        try
        {
            var head = new byte[8];
            while (await transport.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken) == head.Length)
            {
                var first = BinaryPrimitives.ReadUInt32BigEndian(head);
                var (flags, length) = (head[4], (int)(BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)) & 0xffffff));
                await ((first & 0x80000000) == 0
                    ? DataAsync(first, flags, length, cancellationToken)
                    : ControlAsync((ushort)(first >> 16 & 0x7fff), (Control)(ushort)first, flags, length, cancellationToken));
            }
        }
        catch (Exception e)
        {
            end = e;
            throw;
        }
        finally
        {
            foreach (var stream in _streams.Values)
            {
                stream.Abandon(end);
            }
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _sending.Dispose();
    }

    internal async Task SendDataAsync(uint stream, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken)
    {
        var frame = new byte[8 + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, stream);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), bytes.Length);
        frame[4] = isLast ? Fin : (byte)0;
        bytes.CopyTo(frame.AsMemory(8));
        await SendAsync(() => frame, cancellationToken);
    }

    internal void ForgetIfOver(SpdyStream stream)
    {
        if (stream.IsOver)
        {
            _streams.TryRemove(stream.Id, out _);
        }
    }

    private async Task DataAsync(uint id, byte flags, int length, CancellationToken cancellationToken)
    {
        var stream = _streams.GetValueOrDefault(id);
        while (length > 0)
        {
            var piece = _buffer.AsMemory(0, Math.Min(length, _buffer.Length));
            await transport.ReadExactlyAsync(piece, cancellationToken);
            length -= piece.Length;
            if (stream is not null)
            {
                await stream.ReceiveAsync(piece, cancellationToken);
            }
        }

        if ((flags & Fin) != 0 && stream is not null)
        {
            stream.EndInput();
            ForgetIfOver(stream);
        }
    }

    private async Task ControlAsync(ushort version, Control type, byte flags, int length, CancellationToken cancellationToken)
    {
        if (version != Version || length > ControlBytesMax)
        {
            throw new SpdyException(version != Version
                ? $"a control frame is of SPDY version {version}, not {Version}"
                : $"a control frame of {length} bytes is longer than the {ControlBytesMax} that are accepted");
        }

        var body = new byte[length];
        await transport.ReadExactlyAsync(body, cancellationToken);
        switch (type)
        {
            case Control.SynStream when length > 10:
                await BeginAsync(BinaryPrimitives.ReadUInt32BigEndian(body), flags, _reader.Read(body.AsSpan(10)), cancellationToken);
                break;
            case Control.Headers when length > 4:
                _reader.Read(body.AsSpan(4)); // means nothing here, but belongs to the compressed stream
                break;
            case Control.RstStream when length >= 8:
                if (_streams.TryRemove(BinaryPrimitives.ReadUInt32BigEndian(body), out var reset))
                {
                    reset.Abandon(new IOException("the client reset the stream"));
                }

                break;
            case Control.Ping when length == 4 && (body[3] & 1) == 1: // the client's own; ours would be even
                await SendAsync(() => Frame(Control.Ping, body), cancellationToken);
                break;
        }
    }

    private async Task BeginAsync(uint id, byte flags, IReadOnlyDictionary<string, string> headers, CancellationToken cancellationToken)
    {
        if (id == 0 || (id & 1) == 0 || _streams.ContainsKey(id))
        {
            await ResetAsync(id, ProtocolError, cancellationToken);
            return;
        }

        var stream = new SpdyStream(this, id, headers);
        _streams[id] = stream;
        if (_streams.Count > StreamsMax || !accept(stream))
        {
            _streams.TryRemove(id, out _);
            await ResetAsync(id, RefusedStream, cancellationToken);
            return;
        }

        await SendAsync(
            () => Frame(Control.SynReply, [.. Number(id), .. _writer.Write(new Dictionary<string, string>())]), cancellationToken);
        if ((flags & Fin) != 0)
        {
            stream.EndInput();
        }
    }

    private Task ResetAsync(uint id, uint status, CancellationToken cancellationToken) =>
        SendAsync(() => Frame(Control.RstStream, [.. Number(id), .. Number(status)]), cancellationToken);

    // Made within the lock: blocks of headers must leave in the order they were compressed in.
    private async Task SendAsync(Func<byte[]> frame, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await transport.WriteAsync(frame(), cancellationToken);
            await transport.FlushAsync(cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    private static byte[] Frame(Control type, ReadOnlySpan<byte> body)
    {
        var frame = new byte[8 + body.Length];
        BinaryPrimitives.WriteUInt16BigEndian(frame, 0x8000 | Version);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)type);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), body.Length);
        body.CopyTo(frame.AsSpan(8));
        return frame;
    }

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
