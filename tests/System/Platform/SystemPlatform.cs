using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Knet.ApiServer;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Http;
using Knet.Daemon.Roles;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Stats;
using Knet.Gateway;
using Knet.Gateway.Embedded;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.System.Platform;

/// <summary>
/// The whole platform but the containers: the real API server with its HTTPS front, store, RBAC and every controller, the real gateway on
/// free loopback ports, a fake node. Shared by all tests, which have namespaces of their own; a test that restarts it starts its own.
/// </summary>
public sealed class SystemPlatform : IAsyncLifetime
{
    // Where nobody is: what pods would dial to reach the gateway.
    private const string BridgeAddress = "10.1.255.254";
    private static readonly KubeUser Admin = new("knet-admin", ["system:masters", "system:authenticated"]);
    private readonly string _directory = Directory.CreateTempSubdirectory("knet-system-").FullName;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ILoggerFactory _loggers = NullLoggerFactory.Instance;
    private readonly List<IDisposable> _clients = [];
    private FakePrograms _programs = null!;
    private FakeNode _node = null!;
    private EmbeddedGateway _gateway = null!;
    private ControlPlane _plane = null!;
    private ClusterCa _ca = null!;
    private ApiServerHost _api = null!;
    private int _apiPort;
    private int _lastNamespace;

    /// <summary>Where the gateway listens for clients outside.</summary>
    internal IPEndPoint Gateway { get; private set; } = null!;

    /// <summary>Where it listens for those that speak TLS.</summary>
    internal IPEndPoint SecureGateway { get; private set; } = null!;

    /// <summary>Who signs the hosts of Services.</summary>
    internal ClusterCa DomainCa { get; private set; } = null!;

    /// <summary>Asks the gateway; the Host header decides.</summary>
    internal HttpClient Http { get; private set; } = null!;

    internal ControlPlane Plane => _plane;

    internal Uri ApiAddress => new($"https://127.0.0.1:{_apiPort}/");

    public async ValueTask InitializeAsync()
    {
        _programs = await FakePrograms.StartAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _programs.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Ends everything but the programs in the pods, and starts again on the same data.</summary>
    internal async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>An administrator's client.</summary>
    internal KubeClient Client(Via via, string fieldManager = "test") => via == Via.Process
        ? _plane.Connect(Admin, fieldManager)
        : Connect(fieldManager, _ca.ClientCertificate("admin", Admin.Name, Admin.Groups[0]), token: null);

    /// <summary>A service account's client, over HTTPS with a token that the API issued.</summary>
    internal async Task<KubeClient> AccountAsync(Via via, string ns, string name)
    {
        if (via == Via.Process)
        {
            return _plane.Connect(KubeUser.ServiceAccount(ns, name), "test");
        }

        var request = new KubeRequest(KubeVerb.Create, Api.Meta.ResourceType.Of<V1ServiceAccount>())
        {
            Namespace = ns, Name = name, Subresource = "token",
            Body = """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"""u8.ToArray(),
        };
        var answer = await Client(Via.Https).Transport.SendAsync(request, CancellationToken.None);
        return Connect("test", null, answer.Document.As<Authenticationv1TokenRequest>().Status.Token);
    }

    /// <summary>A namespace for one test.</summary>
    internal async Task<string> NewNamespaceAsync()
    {
        var name = $"t{Interlocked.Increment(ref _lastNamespace)}";
        await Client(Via.Process).CreateAsync(
            new V1Namespace { ApiVersion = "v1", Kind = "Namespace", Metadata = new V1ObjectMeta { Name = name } }, CancellationToken.None);
        return name;
    }

    /// <summary>The status and body of an answer of the gateway.</summary>
    internal async Task<(int Status, string Body)> AskAsync(string host, string path = "/", Version? version = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{Gateway}{path}"));
        request.Headers.Host = host;
        request.Version = version ?? HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var response = await Http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Plain HTTPS as an administrator, for what no typed client sends; the caller ends it.</summary>
    internal HttpClient RawApi()
    {
        var pair = _ca.ClientCertificate("admin", Admin.Name, Admin.Groups[0]);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, AllowAutoRedirect = false,
            SslOptions =
            {
                ClientCertificates = [X509Certificate2.CreateFromPem(pair.Certificate, pair.Key)],
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
        };
        return new HttpClient(handler) { BaseAddress = ApiAddress };
    }

    /// <summary>An administrator's connection over HTTPS that outlives restarts; the caller ends it.</summary>
    internal HttpTransport LastingTransport() => Open(_ca.ClientCertificate("admin", Admin.Name, Admin.Groups[0]), null);

    private HttpTransport Open(PemPair? certificate, string? token) => new(new HttpTransportOptions
    {
        Server = ApiAddress,
        CertificateAuthorities = [X509Certificate2.CreateFromPem(_ca.CertificatePem)],
        ClientCertificate = certificate is null ? null : X509Certificate2.CreateFromPem(certificate.Certificate, certificate.Key),
        Token = token,
    });

    private KubeClient Connect(string fieldManager, PemPair? certificate, string? token)
    {
        var transport = Open(certificate, token);
        lock (_clients)
        {
            _clients.Add(transport);
        }

        return new KubeClient(transport, fieldManager);
    }

    private async Task StartAsync()
    {
        var coldStarts = new ColdStarts(_time);
        _gateway = new EmbeddedGateway(_programs, coldStarts, new GatewayOptions(), _time, _loggers);
        await _gateway.StartAsync(CancellationToken.None);
        Gateway = _gateway.Listen(new IPEndPoint(IPAddress.Loopback, Gateway?.Port ?? 0), EntryKind.External);
        SecureGateway = _gateway.Listen(new IPEndPoint(IPAddress.Loopback, SecureGateway?.Port ?? 0), EntryKind.External, tls: true);
        _gateway.HttpsPort = SecureGateway.Port;
        _ca = ClusterCa.LoadOrCreate(Path.Combine(_directory, "pki"), _time);
        _plane = await ControlPlane.OpenAsync(
            new ControlPlaneOptions
            {
                Api = new ApiServerOptions { DataDirectory = Path.Combine(_directory, "api"), Time = _time, Loggers = _loggers },
                Ca = _ca,
                DomainCa = DomainCa = ClusterCa.LoadOrCreate(Path.Combine(_directory, "pki", "domains"), _time, "knet-domains-ca"),
                Challenges = _gateway.Challenges,
                Images = new FakeImages(),
                Stats = _gateway.Revisions,
                ColdStarts = coldStarts,
                Address = IPAddress.Parse(BridgeAddress),
                Ports = new GatewayPorts(Gateway.Port, SecureGateway.Port),
            },
            CancellationToken.None);
        await StartApiAsync();
        var system = _plane.Connect(ApiServerCore.System, "knetd");
        await KnativeObjects.EnsureGatewayAsync(
            system, BridgeAddress, new GatewayPorts(Gateway.Port, SecureGateway.Port), CancellationToken.None);
        await ConfigureAsync(system);
        await _plane.StartAsync(
            plane => _gateway.Register(plane.Host, plane.Connect(Identities.Gateway, "knet-gateway")), CancellationToken.None);
        _node = new FakeNode(
            _plane.Connect(Identities.Node(FakeNode.Name), "fake-node"), _plane.Informers.Get<V1Pod>(), _programs, _gateway.DrainAsync);
        await _node.StartAsync();
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };
    }

    private async Task StartApiAsync()
    {
        var authenticator = new Authenticator(_ca, _plane.Tokens, [], _plane.Authorizer);
        var application = new ApiHttpApplication(
            _plane.Core.Registry, authenticator, _plane.Authorizer, _plane.Tokens, new NoNodes(), new ApiHttpOptions(), _time,
            _loggers.CreateLogger<ApiHttpApplication>());
        _api = await ApiServerHost.StartAsync(
            application, [new IPEndPoint(IPAddress.Loopback, _apiPort)], _ca.ServerCertificate([], []), _ca, _loggers, CancellationToken.None);
        _apiPort = _api.Addresses.Single().Port;
    }

    /// <summary>The shortest windows that are allowed: a Service without traffic is at zero within some seconds.</summary>
    private static Task ConfigureAsync(KubeClient client) => client.PatchAsync<V1ConfigMap>(
        Identities.SystemNamespace,
        "config-autoscaler",
        PatchKind.Merge,
        Encoding.UTF8.GetBytes("""{"data":{"stable-window":"6s","scale-to-zero-grace-period":"1s"}}"""),
        CancellationToken.None);

    private async Task StopAsync()
    {
        Http.Dispose();
        lock (_clients)
        {
            _clients.ForEach(c => c.Dispose());
            _clients.Clear();
        }

        await _node.DisposeAsync();
        await _api.DisposeAsync();
        using (var hurry = new CancellationTokenSource(TimeSpan.FromSeconds(1), _time))
        {
            await _gateway.StopAsync(hurry.Token);
        }

        await _plane.DisposeAsync();
        await _gateway.DisposeAsync();
        _ca.Dispose();
    }
}
