using System.Net;
using System.Net.Sockets;
using Knet.Node.ServiceProxy;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Dns;

/// <summary>Cluster DNS: UDP and TCP on one address, answering from the directory of Services.</summary>
public sealed partial class DnsServer : IAsyncDisposable
{
    private static readonly TimeSpan TcpIdle = TimeSpan.FromSeconds(10);

    private readonly DnsOptions _options;
    private readonly DnsResolver _resolver;
    private readonly TimeProvider _time;
    private readonly ILogger<DnsServer> _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _tcpClients;
    private Socket? _udp;
    private Socket? _tcp;
    private Task _running = Task.CompletedTask;

    public DnsServer(DnsOptions options, IServiceDirectory directory, TimeProvider time, ILogger<DnsServer> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _resolver = new DnsResolver(options, directory, time);
        _tcpClients = new SemaphoreSlim(options.TcpClientsMax, options.TcpClientsMax);
    }

    /// <summary>Where it listens, once started.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)(_udp?.LocalEndPoint ?? _options.Listen);

    /// <exception cref="SocketException">The address is not on this machine, or the port is taken.</exception>
    public void Start()
    {
        _udp = new Socket(_options.Listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _udp.Bind(_options.Listen);
        _tcp = new Socket(_options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _tcp.Bind(Endpoint);
        _tcp.Listen(128);
        _running = Task.WhenAll(ServeUdpAsync(_udp, _stop.Token), ServeTcpAsync(_tcp, _stop.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp?.Dispose();
        _tcp?.Dispose();
        await _running;
        _stop.Dispose();
        _tcpClients.Dispose();
    }

    private async Task ServeUdpAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[65535];
        var anyone = new IPEndPoint(IPAddress.Any, 0);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, cancellationToken);

                // What is answered from memory is answered before the next packet; only forwarding goes on by itself.
                _ = AnswerUdpAsync(socket, buffer.AsMemory(0, received.ReceivedBytes).ToArray(), received.RemoteEndPoint, cancellationToken);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // An earlier client's port is closed (ICMP), or memory is short; both pass.
                Log.Failed(_logger, "UDP", e.Message);
            }
        }
    }

    private async Task AnswerUdpAsync(Socket socket, byte[] packet, EndPoint client, CancellationToken cancellationToken)
    {
        try
        {
            if (await _resolver.AnswerAsync(packet, tcp: false, cancellationToken) is { } reply)
            {
                await socket.SendToAsync(reply, SocketFlags.None, client, cancellationToken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The server stops.
        }
        catch (Exception e)
        {
            Log.Failed(_logger, client.ToString()!, e.Message);
        }
    }

    private async Task ServeTcpAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await _tcpClients.WaitAsync(cancellationToken);
                var client = await AcceptAsync(listener, cancellationToken);
                _ = ServeClientAsync(client, cancellationToken);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                Log.Failed(_logger, "TCP", e.Message);
            }
        }
    }

    private async Task<Socket> AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        try
        {
            return await listener.AcceptAsync(cancellationToken);
        }
        catch
        {
            _tcpClients.Release();
            throw;
        }
    }

    private async Task ServeClientAsync(Socket client, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            while (true)
            {
                using var idle = new CancellationTokenSource(TcpIdle, _time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
                if (await DnsStream.ReadAsync(stream, both.Token) is not { } packet
                    || await _resolver.AnswerAsync(packet, tcp: true, both.Token) is not { } reply)
                {
                    return;
                }

                await DnsStream.WriteAsync(stream, reply, both.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The client is gone or idle, or the server stops.
        }
        catch (Exception e)
        {
            Log.Failed(_logger, "a TCP client", e.Message);
        }
        finally
        {
            // Disposing the server does not wait for clients that are idle.
            if (!cancellationToken.IsCancellationRequested)
            {
                _tcpClients.Release();
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3502, LogLevel.Warning, "DNS for {Client} failed: {Error}")]
        public static partial void Failed(ILogger logger, string client, string error);
    }
}
