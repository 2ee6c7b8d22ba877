using System.Net;
using System.Security.Cryptography;
using k8s.Models;
using Knet.Api.Serving.V1;
using Knet.DataPlane.Stats;
using Knet.Daemon.Startup;
using Knet.Gateway;
using Knet.Gateway.Embedded;
using Knet.Kube.Client;
using Knet.Node.Agent;
using Knet.Node.Dns;
using Knet.Node.Kubelet;
using Knet.Node.Network;
using Knet.Node.ServiceProxy;
using Knet.Oci.Local;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>The machine's side of the platform: images, pod network, gateway sockets, node, DNS and cluster addresses.</summary>
internal sealed class PodMachine : IAsyncDisposable
{
    private readonly DaemonOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];
    private DnsServer? _dns;

    public PodMachine(DaemonOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _time, _loggers) = (options, time, loggers);
        NetworkOptions = Machine.Network(options);
        Images = Machine.Images(options, time, loggers);
        ColdStarts = new ColdStarts(time);
        var resolvConf = new PodResolvConf(options.BridgeAddress, NetworkOptions.ClusterDomain, HostResolvers.Text);
        Network = new PodNetwork(NetworkOptions, resolvConf.Write, loggers.CreateLogger<PodNetwork>());
        Gateway = new EmbeddedGateway(new PodDialer(Network), ColdStarts, new GatewayOptions(), time, loggers);
    }

    public NetworkOptions NetworkOptions { get; }
    public Images Images { get; }
    public ColdStarts ColdStarts { get; }
    public PodNetwork Network { get; }
    public EmbeddedGateway Gateway { get; }
    public NodeAgent? Node { get; private set; }
    public KubeletServer? Kubelet { get; private set; }

    /// <summary>The secret between the API server and the node's own API; new at every start, never stored.</summary>
    public string KubeletToken { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>Chooses the OCI runtime by running a container.</summary>
    public async Task<string> OpenNodeAsync(IKubeTransport transport)
    {
        Node = await NodeAgent.CreateAsync(Machine.Node(_options), new NodeDependencies
        {
            Transport = transport,
            Images = Images,
            Network = Network,
            Ports = new PodPorts(Network, Gateway, _time),
            ColdStarts = ColdStarts,
            Time = _time,
            Loggers = _loggers,
        });
        return Node.Runtime;
    }

    /// <summary>Finds the pods of an earlier daemon and lets the network drop what nobody adopted.</summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        await Node!.RecoverAsync(cancellationToken);
        await Network.CollectAsync(cancellationToken);
    }

    /// <summary>Starts DNS and the cluster addresses of Services.</summary>
    public async Task<string> StartServicesAsync(ControlPlane plane, CancellationToken cancellationToken)
    {
        var directory = new ServiceDirectory();
        directory.Follow(plane.Informers);
        _loops.Add(new NftServiceProxy(NetworkOptions, directory, _time, _loggers.CreateLogger<NftServiceProxy>()).RunAsync(_stop.Token));
        var options = new DnsOptions
        {
            Listen = new IPEndPoint(_options.BridgeAddress, 53),
            HostAddress = _options.BridgeAddress,
            OwnRanges = [_options.PodRange, _options.ServiceRange],
            Gateway = DnsOptions.ForDomains(
                () => ["localhost"], () => directory.Find(Identities.SystemNamespace, KnativeObjects.GatewayService)?.ClusterIp),
            Upstreams = _options.Egress ? HostResolvers.Read : null,
        };
        _dns = new DnsServer(options, directory, _time, _loggers.CreateLogger<DnsServer>());
        await TakenPort.ExplainAsync(
            () =>
            {
                _dns.Start();
                return Task.CompletedTask;
            },
            $"port 53 is taken on {_options.BridgeAddress}: a DNS server of this machine listens on every address; "
            + "let it listen on its own ones only (dnsmasq: bind-dynamic; unbound: interface; named: listen-on)");
        await directory.WaitForSyncAsync(cancellationToken);
        _loops.Add(new ImageCollection(Images, Node!, plane.Informers.Get<KnRevision>(), _time).RunAsync(_stop.Token));
        return _dns.Endpoint.ToString();
    }

    /// <summary>Registers the node and lets it run pods.</summary>
    public async Task StartNodeAsync(CancellationToken cancellationToken)
    {
        Kubelet = await KubeletServer.StartAsync(Node!, new KubeletOptions { Token = KubeletToken }, cancellationToken);
        var run = Node!.RunAsync(_stop.Token);
        _loops.Add(run);
        await Task.WhenAny(Node.Registered, run).Unwrap();
    }

    /// <summary>Ends every pod and takes the network away.</summary>
    public async Task StopAllAsync(TimeSpan grace)
    {
        if (Node is not null)
        {
            await Node.StopAllAsync(grace);
        }

        // Whoever writes rules or prepares namespaces must have ended: it would make again what is taken away here.
        await EndLoopsAsync();
        await Network.DisposeAsync();
        await HostNetwork.TeardownAsync(NetworkOptions, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await EndLoopsAsync();
        if (Kubelet is not null)
        {
            await Kubelet.DisposeAsync();
        }

        if (_dns is not null)
        {
            await _dns.DisposeAsync();
        }

        if (Node is not null)
        {
            await Node.DisposeAsync();
        }

        await Gateway.DisposeAsync();
        await Network.DisposeAsync();
        Images.Dispose();
        _stop.Dispose();
    }

    private async Task EndLoopsAsync()
    {
        await _stop.CancelAsync();
        foreach (var loop in _loops)
        {
            await loop.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}
