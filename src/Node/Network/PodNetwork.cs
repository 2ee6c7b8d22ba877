using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Network;

/// <summary>
/// The pods' network on this machine: a gateway interface, and a namespace per pod, some prepared ahead. Start it, adopt the pods that
/// outlived the last daemon, then collect what nobody adopted.
/// </summary>
/// <remarks>Thread-safe. Disposing leaves everything in the kernel as it is, for the next daemon; <see cref="HostNetwork.TeardownAsync"/>
/// takes it away.</remarks>
public sealed partial class PodNetwork : IPodNetwork, IAsyncDisposable
{
    private readonly NetworkOptions _options;
    private readonly Func<V1Pod, string> _resolvConf;
    private readonly ILogger<PodNetwork> _logger;
    private readonly AddressPool _addresses;
    private readonly SandboxFactory _factory;
    private readonly NamespaceThread _sockets = new("knet-netns-sockets");
    private readonly ConcurrentQueue<LiveSandbox> _pool = new();
    private readonly ConcurrentDictionary<string, LiveSandbox> _used = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LiveSandbox> _byIp = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _missing = new(0);
    private readonly CancellationTokenSource _stop = new();
    private Task _refill = Task.CompletedTask;
    private int _disposed;

    /// <param name="options">Names, ranges, limits.</param>
    /// <param name="resolvConf">The text of a pod's resolv.conf.</param>
    /// <param name="logger">Failures of background work.</param>
    public PodNetwork(NetworkOptions options, Func<V1Pod, string> resolvConf, ILogger<PodNetwork> logger)
    {
        options.Validate();
        _options = options;
        _resolvConf = resolvConf;
        _logger = logger;
        _addresses = new AddressPool(options.PodRange, (uint)Random.Shared.Next());
        _factory = new SandboxFactory(options);
    }

    /// <summary>Namespaces that stand ready.</summary>
    public int Prepared => _pool.Count;

    /// <summary>Sets up the host's side (<see cref="HostNetwork"/>). Harmless when it is there already. The pool is filled once
    /// <see cref="CollectAsync"/> has run, so that it takes no address of a pod that is still to be adopted.</summary>
    /// <exception cref="NetworkException">The kernel refused; the message says what.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.RunDirectory);
        await HostNetwork.SetUpAsync(_options, cancellationToken);
    }

    /// <summary>Removes namespaces and interfaces of earlier daemons that no pod was adopted with, then begins to fill the pool.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        await HostNetwork.RemoveSandboxesAsync(_options, id => !_used.ContainsKey(id), cancellationToken);
        _refill = RefillAsync(_stop.Token);
        _missing.Release();
    }

    public async ValueTask<PodSandbox> AcquireAsync(string podUid, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (!_pool.TryDequeue(out var live))
        {
            live = await CreateAsync();
        }
        else
        {
            _missing.Release();
        }

        return Use(live, podUid).Sandbox;
    }

    public async Task MendAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists($"/sys/class/net/{_options.BridgeName}"))
        {
            return;
        }

        // The pods' routes went with the address that they name.
        Log.Gone(_logger, _options.BridgeName);
        await HostNetwork.SetUpAsync(_options, cancellationToken);
        foreach (var live in _used.Values.Concat(_pool))
        {
            await _factory.ReattachAsync(live);
        }

        _missing.Release();
    }

    public async Task<PodSandbox?> AdoptAsync(string podUid, string netnsPath, string ip)
    {
        if (!Ipv4.TryParse(ip, out var address) || !_addresses.TryTake(address))
        {
            return null;
        }

        LiveSandbox? live = null;
        try
        {
            live = await _factory.AdoptAsync(netnsPath, address);
        }
        finally
        {
            if (live is null)
            {
                _addresses.Release(address);
            }
        }

        return live is null ? null : Use(live, podUid).Sandbox;
    }

    public async ValueTask ReleaseAsync(PodSandbox sandbox)
    {
        if (!_used.TryRemove(sandbox.Id, out var live))
        {
            return;
        }

        _byIp.TryRemove(sandbox.Ip, out _);
        await _factory.DestroyAsync(live);
        _addresses.Release(live.Address);
    }

    public async ValueTask<Socket> ConnectAsync(PodSandbox sandbox, IPAddress address, int port, CancellationToken ct)
    {
        var socket = await InsideAsync(sandbox, () => PodSocket(address.AddressFamily));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), ct);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Listening sockets inside the namespace, all opened in one visit; a pod's virtual queue-proxy accepts on them.</summary>
    /// <exception cref="SocketException">A port is taken, or the namespace is gone; none is left open.</exception>
    public async ValueTask<PodListeners> ListenAsync(PodSandbox sandbox, IReadOnlyList<IPEndPoint> endpoints, int backlog = 1024) =>
        await InsideAsync(sandbox, () => PodListeners.Open(endpoints, backlog));

    public string ResolvConf(V1Pod pod) => _resolvConf(pod);

    /// <summary>The sandbox that has the address.</summary>
    public bool TryFind(string ip, [NotNullWhen(true)] out PodSandbox? sandbox)
    {
        sandbox = _byIp.TryGetValue(ip, out var live) ? live.Sandbox : null;
        return sandbox is not null;
    }

    /// <summary>Ends background work and closes descriptors; the kernel's side stays. Harmless when repeated.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        await _refill;
        _factory.Dispose();
        _sockets.Dispose();
        foreach (var live in _pool.Concat(_used.Values))
        {
            live.Namespace.Dispose();
        }

        _stop.Dispose();
        _missing.Dispose();
    }

    private async Task<T> InsideAsync<T>(PodSandbox sandbox, Func<T> work)
    {
        if (!_used.TryGetValue(sandbox.Id, out var live))
        {
            throw new SocketException((int)SocketError.HostUnreachable);
        }

        try
        {
            return await _sockets.RunInAsync(live.Namespace, work);
        }
        catch (Exception e) when (e is ObjectDisposedException or NetworkException)
        {
            // Released meanwhile: to the caller this is a pod that is gone.
            throw new SocketException((int)SocketError.HostUnreachable);
        }
    }

    private LiveSandbox Use(LiveSandbox live, string podUid)
    {
        var used = live with { PodUid = podUid };
        _used[live.Sandbox.Id] = used;
        _byIp[live.Sandbox.Ip] = used;
        return used;
    }

    private async Task<LiveSandbox> CreateAsync()
    {
        var address = _addresses.Allocate();
        try
        {
            return await _factory.CreateAsync(address);
        }
        catch
        {
            _addresses.Release(address);
            throw;
        }
    }

    // One dial in a prepared namespace, refused there: the first pod then finds this path compiled (some 10 ms).
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        if (!_pool.TryPeek(out var live))
        {
            return;
        }

        try
        {
            using var socket = await _sockets.RunInAsync(live.Namespace, () => PodSocket(AddressFamily.InterNetwork));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, 1), cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or NetworkException)
        {
            // Nobody listens in an empty namespace.
        }
    }

    private static Socket PodSocket(AddressFamily family) => new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private async Task RefillAsync(CancellationToken cancellationToken)
    {
        var warm = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await _missing.WaitAsync(cancellationToken);
                while (_pool.Count < _options.PoolSize && !cancellationToken.IsCancellationRequested)
                {
                    _pool.Enqueue(await CreateAsync());
                }

                if (!warm)
                {
                    warm = true;
                    await WarmUpAsync(cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (NetworkException e)
            {
                // The next pod tries again and reports it; a pool that stays empty costs only time.
                Log.RefillFailed(_logger, e);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3519, LogLevel.Warning, "The interface {Bridge} was taken away by somebody; the pods' network is made again")]
        public static partial void Gone(ILogger logger, string bridge);

        [LoggerMessage(3503, LogLevel.Warning, "No network namespace could be prepared")]
        public static partial void RefillFailed(ILogger logger, Exception exception);
    }
}
