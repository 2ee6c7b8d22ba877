using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Knet.DataPlane.Protocol;

/// <summary>
/// Kestrel's transport for ports that take HTTP/1.1 and HTTP/2 with prior knowledge alike. Kestrel decides the protocol of a cleartext
/// endpoint before the first byte; so it gets two endpoints, and each connection is handed to one of them when its first bytes are
/// there. Neither protocol is delayed: in both the client speaks first. On ports with TLS the handshake decides (ALPN).
/// </summary>
/// <remarks>Connections come from listeners of ours, or from anybody who accepted them elsewhere (<see cref="Accept"/>).</remarks>
public sealed partial class SniffingTransport : IConnectionListenerFactory, IAsyncDisposable
{
    private readonly SocketConnectionContextFactory _connections;
    private readonly Endpoint _http1 = new("http/1.1");
    private readonly Endpoint _http2 = new("h2c");
    private readonly List<Socket> _listeners = [];
    private readonly DataPlaneOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<SniffingTransport> _log;

    public SniffingTransport(DataPlaneOptions options, TimeProvider time, ILoggerFactory logs)
    {
        _options = options;
        _time = time;
        _log = logs.CreateLogger<SniffingTransport>();
        _connections = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), _log);
    }

    /// <summary>What ports with TLS show to the hosts that clients ask for (SNI).</summary>
    public CertificateTable Certificates { get; } = new();

    /// <summary>The endpoint to give to Kestrel with <c>HttpProtocols.Http1</c>.</summary>
    public EndPoint Http1 => _http1;

    /// <summary>The endpoint to give to Kestrel with <c>HttpProtocols.Http2</c>.</summary>
    public EndPoint Http2 => _http2;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        endpoint is Endpoint ours
            ? new(new Listener(ours))
            : throw new NotSupportedException($"{endpoint} is none of this transport's two endpoints; listen on addresses with Listen");

    /// <summary>Listens on an address; port 0 takes a free one.</summary>
    /// <param name="tls">Whether clients must speak TLS there; see <see cref="Certificates"/>.</param>
    /// <returns>The address bound.</returns>
    /// <exception cref="SocketException">The address is taken or not of this machine.</exception>
    public IPEndPoint Listen(IPEndPoint address, EntryKind kind, bool tls = false)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }

            socket.Bind(address);
            socket.Listen(4096);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }

        var bound = (IPEndPoint)socket.LocalEndPoint!;
        Listen(socket, new EntryPoint(kind, bound.Port, Tls: tls));
        return bound;
    }

    /// <summary>
    /// Takes connections from a socket that listens already, until it is closed. The socket is the transport's from now on.
    /// </summary>
    public void Listen(Socket listener, EntryPoint entry)
    {
        lock (_listeners)
        {
            _listeners.Add(listener);
        }

        _ = AcceptAllAsync(listener, entry);
    }

    /// <summary>Takes no more connections; those there are live on.</summary>
    public void CloseListeners()
    {
        lock (_listeners)
        {
            _listeners.ForEach(l => l.Dispose());
            _listeners.Clear();
        }
    }

    public ValueTask DisposeAsync()
    {
        CloseListeners();
        _connections.Dispose();
        return default;
    }

    private async Task AcceptAllAsync(Socket listener, EntryPoint entry)
    {
        while (true)
        {
            try
            {
                _ = AdmitAsync(await listener.AcceptAsync(), entry);
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                break;
            }
            catch (SocketException e)
            {
                // Too many open files, or a client that was gone before it was accepted: the listener itself is sound.
                Log.AcceptFailed(_log, entry, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(e.SocketErrorCode == SocketError.TooManyOpenSockets ? 100 : 1), _time);
            }
        }

        lock (_listeners)
        {
            _listeners.Remove(listener);
        }
    }

    private async Task AdmitAsync(Socket socket, EntryPoint entry)
    {
        ConnectionContext? connection = null;
        try
        {
            socket.NoDelay = true;
            connection = _connections.Create(socket);
            connection.Features.Set(entry);
            var endpoint = await ChooseAsync(connection);
            if (endpoint is not null && entry.Tls)
            {
                var secured = await SecureAsync(connection);
                (connection, endpoint) = (secured, secured.IsHttp2 ? _http2 : _http1);
            }

            if (endpoint is not null && endpoint.Connections.Writer.TryWrite(connection))
            {
                return;
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ConnectionAbortedException or ObjectDisposedException
            or OperationCanceledException or AuthenticationException)
        {
            Log.Dropped(_log, entry, e.Message);
        }

        if (connection is null)
        {
            socket.Dispose();
        }
        else
        {
            await connection.DisposeAsync();
        }
    }

    private async ValueTask<TlsConnection> SecureAsync(ConnectionContext connection)
    {
        using var patience = new CancellationTokenSource(_options.HandshakeTimeout, _time);
        return await TlsConnection.AcceptAsync(connection, Certificates, patience.Token);
    }

    /// <returns>Null when the client left without a word.</returns>
    private async ValueTask<Endpoint?> ChooseAsync(ConnectionContext connection)
    {
        using var silence = new CancellationTokenSource(_options.FirstByteTimeout, _time);
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(silence.Token);
            var decided = Decide(read.Buffer);
            var enough = decided is not null || read.IsCompleted;
            input.AdvanceTo(read.Buffer.Start, enough ? read.Buffer.Start : read.Buffer.End);
            if (enough)
            {
                return read.Buffer.IsEmpty ? null : decided ?? _http1;
            }
        }
    }

    // The preface's fourth byte already differs from every HTTP/1 method; all of it is compared, up to what is there.
    private Endpoint? Decide(in ReadOnlySequence<byte> buffer)
    {
        var preface = Preface;
        var at = 0;
        foreach (var segment in buffer)
        {
            var span = segment.Span[..Math.Min(segment.Length, preface.Length - at)];
            if (!span.SequenceEqual(preface.Slice(at, span.Length)))
            {
                return _http1;
            }

            at += span.Length;
            if (at == preface.Length)
            {
                return _http2;
            }
        }

        return null;
    }

    private sealed class Endpoint(string name) : EndPoint
    {
        public Channel<ConnectionContext> Connections { get; } =
            Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

        public override string ToString() => name;
    }

    private sealed class Listener(Endpoint endpoint) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await endpoint.Connections.Reader.WaitToReadAsync(cancellationToken))
            {
                if (endpoint.Connections.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            endpoint.Connections.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync(default);
    }

    private static partial class Log
    {
        [LoggerMessage(4101, LogLevel.Warning, "{Entry}: a connection could not be accepted: {Reason}")]
        public static partial void AcceptFailed(ILogger logger, EntryPoint entry, string reason);

        [LoggerMessage(4102, LogLevel.Debug, "{Entry}: a connection ended before its first request: {Reason}")]
        public static partial void Dropped(ILogger logger, EntryPoint entry, string reason);
    }
}
