using System.IO.Pipelines;

namespace Knet.Node.Kubelet.Spdy;

/// <summary>One stream of a connection, begun by the client.</summary>
internal sealed class SpdyStream
{
    /// <summary>Input that nobody has read yet; more than this makes the connection wait.</summary>
    private const int InputBytes = 256 * 1024;

    private readonly SpdySession _session;
    private readonly Pipe _input = new(new PipeOptions(
        pauseWriterThreshold: InputBytes, resumeWriterThreshold: InputBytes / 2, useSynchronizationContext: false));

    private volatile bool _inputEnded;
    private int _closed;

    public SpdyStream(SpdySession session, uint id, IReadOnlyDictionary<string, string> headers) =>
        (_session, Id, Headers) = (session, id, headers);

    public uint Id { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>What the client sends; ends when it closes its side, fails when it resets the stream or goes away.</summary>
    public PipeReader Input => _input.Reader;

    /// <summary>Sends bytes. Nothing happens when our side is closed already.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0 && Volatile.Read(ref _closed) == 0)
        {
            var piece = bytes[..Math.Min(bytes.Length, SpdySession.PieceBytes)];
            await _session.SendDataAsync(Id, piece, isLast: false, cancellationToken);
            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>Says that we send no more.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            await _session.SendDataAsync(Id, default, isLast: true, cancellationToken);
            _session.ForgetIfOver(this);
        }
    }

    /// <summary>Both sides have said their last.</summary>
    internal bool IsOver => _inputEnded && Volatile.Read(ref _closed) != 0;

    internal async ValueTask ReceiveAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (!_inputEnded)
        {
            // A reader that has finished lets the rest fall.
            await _input.Writer.WriteAsync(bytes, cancellationToken);
        }
    }

    internal void EndInput(Exception? why = null)
    {
        _inputEnded = true;
        _input.Writer.Complete(why);
    }

    internal void Abandon(Exception why)
    {
        Volatile.Write(ref _closed, 1);
        EndInput(why);
    }
}
