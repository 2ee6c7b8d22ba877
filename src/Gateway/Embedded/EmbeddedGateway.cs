using System.Net;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Routing;
using Knet.DataPlane.Stats;
using Knet.Gateway.Tls.Acme;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Knet.Gateway.Embedded;

/// <summary>
/// The gateway of one machine: gateway, activator and queue-proxy of every pod in one hop. Its routes come from KIngresses, its instances
/// from pods; it listens where it is told.
/// </summary>
/// <example><code>
/// var gateway = new EmbeddedGateway(dialer, coldStarts, new GatewayOptions(), TimeProvider.System, loggers);
/// gateway.Register(host, client);                       // before the controllers start
/// await gateway.StartAsync(stop);
/// gateway.Listen(new IPEndPoint(IPAddress.Loopback, 80), EntryKind.External);
/// gateway.Listen(new IPEndPoint(bridge, 80), EntryKind.Internal);
/// </code></example>
public sealed class EmbeddedGateway : IAsyncDisposable
{
    private readonly GatewayOptions _options;
    private readonly RuleBook _rules;
    private readonly RevisionFeed _feed;
    private readonly SniffingTransport _transport;
    private readonly RequestForwarder _forwarder;
    private readonly KestrelServer _server;
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();

    /// <param name="dialer">Opens connections to pods.</param>
    public EmbeddedGateway(IInstanceDialer dialer, ColdStarts coldStarts, GatewayOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _options = options;
        Revisions = new RevisionStates(dialer, options.DataPlane, coldStarts, time);
        _transport = new SniffingTransport(options.DataPlane, time, loggers);
        _rules = new RuleBook(Revisions, _transport.Certificates);
        _feed = new RevisionFeed(Revisions);
        _forwarder = new RequestForwarder(Revisions, loggers);
        _server = new KestrelServer(Options.Create(ToKestrel(options)), _transport, loggers);
    }

    /// <summary>The state of all Revisions; also where the autoscaler reads the traffic (<see cref="IRevisionStats"/>).</summary>
    public RevisionStates Revisions { get; }

    /// <summary>
    /// Registers the Ingress controller and follows Revisions and pods; before the host starts. Needs <see cref="GatewayConfig.Kind"/>.
    /// </summary>
    public void Register(ControllerHost host, KubeClient client)
    {
        host.Facts.Add(_rules);
        host.Add("ingress-controller", new IngressReconciler(_options), client)
            .Reads<V1Service>().Reads<V1Endpoints>().Reads<V1Secret>().Reads<KnRevision>();
        _feed.Follow(host.Informers);
    }

    /// <summary>What it answers to ACME servers.</summary>
    public ChallengeBook Challenges { get; } = new();

    /// <summary>The port of https URLs for clients outside, to which plain HTTP is redirected; 443 is left out of URLs.</summary>
    public int HttpsPort { get; set; } = 443;

    /// <summary>Lets the server run; requests come once something is listened on.</summary>
    public Task StartAsync(CancellationToken cancellationToken) =>
        _server.StartAsync(
            new GatewayApplication(new GatewayHandler(_rules, Revisions, _forwarder, _options, Challenges, () => HttpsPort)), cancellationToken);

    /// <summary>
    /// Sends a request through the whole path to the gateway itself and back, so that the first one that somebody waits for finds
    /// everything compiled. After <see cref="StartAsync"/>; listens on a free loopback port meanwhile.
    /// </summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        const string Host = "warm-up.knet.invalid";
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var address = (IPEndPoint)listener.LocalEndPoint!;
        _transport.Listen(listener, new EntryPoint(EntryKind.Internal, address.Port));
        var split = new Split(100, new AddressBackend([address.ToString()], http2: false));
        _rules.Internal.Set(Host, new Route("", false, [new RoutePath("", [], [split]) { RewriteHost = "unknown.knet.invalid" }]));
        try
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(address, cancellationToken);
            await client.SendAsync(
                Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {Host}\r\nConnection: close\r\n\r\n"), cancellationToken);
            var buffer = new byte[1024];
            while (await client.ReceiveAsync(buffer, cancellationToken) > 0)
            {
                // The answer (404, from the second pass) is of no interest.
            }
        }
        finally
        {
            _rules.Internal.Remove(Host);
        }
    }

    /// <summary>Listens on an address; port 0 takes a free one. HTTP/1.1 and HTTP/2 with prior knowledge.</summary>
    /// <param name="kind"><see cref="EntryKind.External"/> or <see cref="EntryKind.Internal"/>.</param>
    /// <param name="tls">Whether clients must speak TLS there; the certificate is chosen by the host that they name.</param>
    /// <returns>The address bound.</returns>
    /// <exception cref="SocketException">The address is taken or not of this machine.</exception>
    public IPEndPoint Listen(IPEndPoint address, EntryKind kind, bool tls = false) => _transport.Listen(address, kind, tls);

    /// <summary>
    /// Serves a port of a pod's queue-proxy (8012, 8013 or 8022) on a socket that listens in the pod's network namespace.
    /// </summary>
    public void ListenForPod(Socket listener, string podAddress, int port) =>
        _transport.Listen(listener, new EntryPoint(EntryKind.Pod, port, podAddress));

    /// <summary>Gives a pod no new requests and waits until those it has are answered.</summary>
    public Task DrainAsync(string podAddress, CancellationToken cancellationToken) =>
        Revisions.WaitIdleAsync(podAddress, cancellationToken);

    /// <summary>Stops taking connections and waits for requests until the token is cancelled.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _transport.CloseListeners();
        await _server.StopAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _feed.Dispose();
        _server.Dispose();
        await _transport.DisposeAsync();
        _forwarder.Dispose();
        await _services.DisposeAsync();
    }

    private KestrelServerOptions ToKestrel(GatewayOptions options)
    {
        var kestrel = new KestrelServerOptions { ApplicationServices = _services, AddServerHeader = false };
        var limits = kestrel.Limits;

        // Streams may be long, large and slow: how much and how fast is between client and program.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestHeadersTotalSize = options.DataPlane.RequestHeadersBytesMax;
        limits.Http2.MaxRequestHeaderFieldSize = options.DataPlane.RequestHeadersBytesMax;
        limits.Http2.MaxStreamsPerConnection = options.DataPlane.StreamsPerConnectionMax;

        // Header bytes beyond ASCII pass as they are.
        kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.AllowHostHeaderOverride = true;
        return Listen(kestrel);
    }

    private KestrelServerOptions Listen(KestrelServerOptions kestrel)
    {
        kestrel.Listen(_transport.Http1, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        kestrel.Listen(_transport.Http2, endpoint => endpoint.Protocols = HttpProtocols.Http2);
        return kestrel;
    }
}
