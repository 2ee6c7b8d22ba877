using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Knet.ApiServer;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Storage;
using Knet.ApiServer.Workloads.Volumes;
using Knet.DataPlane.Protocol;
using Knet.Daemon.Admin;
using Knet.Daemon.Roles.Installed;
using Knet.Daemon.Startup;
using Knet.Node.Agent;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>The whole platform in one process: every role, in the order in which they need each other.</summary>
internal sealed partial class Platform(DaemonOptions options, Steps steps, RoleLogs logs, TimeProvider time, ILoggerFactory loggers)
    : IAsyncDisposable
{
    private readonly ILogger _log = loggers.CreateLogger<Platform>();
    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AdminServer _admin = new(Path.Combine(options.Run, "admin.sock"), loggers);
    private readonly PodMachine _machine = new(options, time, loggers);
    private ClusterCa? _ca;
    private ClusterCa? _domainCa;
    private ApiFront? _api;
    private ControlPlane? _plane;
    private GatewayPorts _ports;

    /// <summary>Starts everything, waits for the end, and takes everything away again. Killed instead, it leaves the pods running.</summary>
    public static async Task<int> RunAsync(DaemonOptions options)
    {
        var time = TimeProvider.System;
        using var logs = new RoleLogs(time);
        using var loggers = Logs.Create(also: logs);
        var steps = new Steps(time, Console.Out);
        using var locks = new Locks();
        try
        {
            await steps.RunAsync("data", () => locks.TakeAsync(options));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 2; // the step has told why; nothing was touched
        }

        // The directory it was started from may be unmounted or deleted while it runs.
        Directory.SetCurrentDirectory("/");
        await using var platform = new Platform(options, steps, logs, time, loggers);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, platform.OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, platform.OnSignal);
        var survivors = NodeAgent.HasPods(Machine.Node(options));
        try
        {
            await platform.StartAsync(CancellationToken.None);
        }
        catch (Exception e)
        {
            Log.NotStarted(platform._log, e);
            if (survivors)
            {
                // They have outlived a daemon that was killed, and outlive this one too: the next start finds them again.
                Log.PodsStay(platform._log);
                return SurvivorsStay;
            }

            // The step has told the starter what went wrong; nothing half-started may stay.
            await platform._machine.StopAllAsync(TimeSpan.FromSeconds(2));
            Teardown.Forget(options);
            return 1;
        }

        using var idle = IdleCollection.Start(time);
        await platform._shutdown.Task;
        await platform.StopAsync();
        Teardown.Forget(options);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _admin.DisposeAsync();
        if (_api is not null)
        {
            await _api.DisposeAsync();
        }

        if (_plane is not null)
        {
            await _plane.DisposeAsync();
        }

        await _machine.DisposeAsync();
        _ca?.Dispose();
        _domainCa?.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await steps.RunAsync("network", async () =>
        {
            _ports = new GatewayPorts(
                GatewayPort.Http.Choose(options.Home, options.GatewayPort), GatewayPort.Https.Choose(options.Home, options.GatewayTlsPort));
            await _machine.Network.StartAsync(cancellationToken);
            return $"{options.PodRange} on {_machine.NetworkOptions.BridgeName}";
        });
        await steps.RunAsync("api", () => StartApiAsync(cancellationToken));
        await steps.RunAsync("runtime", async () =>
        {
            var runtime = await _machine.OpenNodeAsync(_plane!.Core.Connect(Identities.Node(options.NodeName)));
            await _machine.RecoverAsync(cancellationToken);
            return runtime;
        });
        await steps.RunAsync("gateway", () => StartGatewayAsync(cancellationToken));
        await steps.RunAsync("serving", async () =>
        {
            await _plane!.StartAsync(
                plane => _machine.Gateway.Register(plane.Host, plane.Connect(Identities.Gateway, "knet-gateway")), cancellationToken);
            return "controllers and autoscaler";
        });
        await steps.RunAsync("dns", () => _machine.StartServicesAsync(_plane!, cancellationToken));
        await steps.RunAsync("node", async () =>
        {
            await _machine.StartNodeAsync(cancellationToken);
            return options.NodeName;
        });
        new AdminRoutes(options, steps, _plane!, _machine, _api!.Kubelet, _ports.Http, () => _shutdown.TrySetResult(), time).MapAll(_admin);
        await _admin.StartAsync(cancellationToken);
        steps.Ready();
        Log.Ready(_log);
    }

    private async Task<string> StartApiAsync(CancellationToken cancellationToken)
    {
        var ca = _ca = ClusterCa.LoadOrCreate(Path.Combine(options.Home, "pki"), time);
        var kubelet = new KubeletProxy(_machine, logs, time);
        _plane = await ControlPlane.OpenAsync(
            new ControlPlaneOptions
            {
                Api = new ApiServerOptions
                {
                    DataDirectory = Path.Combine(options.Home, "api"),
                    Store = options.Limits.OfStore with { FullSync = options.FullDurability },
                    ServiceRange = options.ServiceRange,
                    ApiEndpoints = [new IPEndPoint(options.BridgeAddress, options.ApiPort)],
                    Nodes = kubelet,
                    Time = time,
                    Loggers = loggers,
                },
                Ca = ca,
                Volumes = new LocalVolumes(Path.Combine(options.Home, "volumes"), options.NodeName),
                DomainCa = _domainCa = ClusterCa.LoadOrCreate(Path.Combine(options.Home, "pki", "domains"), time, "knet-domains-ca"),
                Challenges = _machine.Gateway.Challenges,
                Images = _machine.Images,
                Stats = _machine.Gateway.Revisions,
                ColdStarts = _machine.ColdStarts,
                EventsTtl = options.Limits.EventsTtl,
                Address = options.BridgeAddress,
                Ports = _ports,
            },
            cancellationToken);
        _api = new ApiFront(options, _plane, kubelet, ca, loggers, time);
        await TakenPort.ExplainAsync(
            () => _api.StartAsync(cancellationToken),
            $"port {options.ApiPort} is taken on 127.0.0.1, ::1 or {options.BridgeAddress}; "
            + "end the program that has it, or choose another with --api-port");
        return _api.Address.ToString();
    }

    private async Task<string> StartGatewayAsync(CancellationToken cancellationToken)
    {
        var gateway = _machine.Gateway;
        await gateway.StartAsync(cancellationToken);
        await gateway.WarmUpAsync(cancellationToken);
        gateway.HttpsPort = _ports.Https;
        ListenOutside(_ports.Http, tls: false);
        ListenOutside(_ports.Https, tls: true);
        gateway.Listen(new IPEndPoint(options.BridgeAddress, KnativeObjects.HttpPort), EntryKind.Internal);
        gateway.Listen(new IPEndPoint(options.BridgeAddress, KnativeObjects.Http2Port), EntryKind.Internal);
        gateway.Listen(new IPEndPoint(options.BridgeAddress, KnativeObjects.HttpsPort), EntryKind.Internal, tls: true);
        var nodePorts = await KnativeObjects.EnsureGatewayAsync(
            _plane!.Connect(ApiServerCore.System, "knetd"), options.BridgeAddress.ToString(), _ports, cancellationToken);
        foreach (var (port, tls) in nodePorts)
        {
            try
            {
                ListenOutside(port, tls);
            }
            catch (SocketException e)
            {
                // Another program of the machine was first; who asks at the ports of the URLs does not notice.
                Log.NodePortTaken(_log, port, e.Message);
            }
        }

        return AdminRoutes.GatewayUrl("*.localhost", _ports.Http);
    }

    private void ListenOutside(int port, bool tls)
    {
        // libnss-myhostname answers ::1 first for names below localhost.
        foreach (var address in Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : new[] { IPAddress.Loopback })
        {
            _machine.Gateway.Listen(new IPEndPoint(address, port), EntryKind.External, tls);
        }
    }

    /// <summary>The orderly end: no new requests, pods with their grace, then the network.</summary>
    private async Task StopAsync()
    {
        Log.Stopping(_log);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        await _machine.Gateway.StopAsync(limit.Token);
        await _machine.StopAllAsync(TimeSpan.FromSeconds(10));
    }

    /// <summary>The directories, held for as long as the daemon lives.</summary>
    private sealed class Locks : IDisposable
    {
        private readonly List<IDisposable> _held = [];

        public async Task<string> TakeAsync(DaemonOptions options)
        {
            _held.Add(DirectoryLock.Take(options.Home));
            _held.Add(DirectoryLock.Take(options.Run));
            _held.Add(InstanceLock.Take(options.Instance));
            await Teardown.RememberAsync(options);
            return options.Home;
        }

        public void Dispose() => _held.ForEach(held => held.Dispose());
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        _shutdown.TrySetResult();
    }

    /// <summary>Exit code of a start that failed and left the pods of an earlier daemon as they were.</summary>
    private const int SurvivorsStay = 3;

    private static partial class Log
    {
        [LoggerMessage(14, LogLevel.Warning, "The pods of the daemon before go on running: the next knet up finds them again, knet down ends them")]
        public static partial void PodsStay(ILogger log);

        [LoggerMessage(10, LogLevel.Information, "The platform is ready")]
        public static partial void Ready(ILogger log);

        [LoggerMessage(11, LogLevel.Information, "Stopping: pods end, the network is taken away")]
        public static partial void Stopping(ILogger log);

        [LoggerMessage(15, LogLevel.Warning, "The gateway's node port {Port} is taken, it does not answer there: {Reason}")]
        public static partial void NodePortTaken(ILogger log, int port, string reason);

        [LoggerMessage(12, LogLevel.Critical, "The platform could not start")]
        public static partial void NotStarted(ILogger log, Exception error);
    }
}
