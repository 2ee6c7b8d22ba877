using k8s.Models;
using Knet.DataPlane.Stats;
using Knet.Kube.Client;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Knet.Node.Network;
using Knet.Node.Pods;
using Knet.Node.Probes;
using Knet.Node.Runtime;
using Knet.Node.Volumes;
using Knet.Oci;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Agent;

/// <summary>What a node needs from the rest of the program.</summary>
public sealed record NodeDependencies
{
    /// <summary>The API, as a user of group <c>system:nodes</c>.</summary>
    public required IKubeTransport Transport { get; init; }

    public required IImages Images { get; init; }
    public required IPodNetwork Network { get; init; }

    /// <summary>The virtual queue-proxies' ports; null when nothing serves them.</summary>
    public IPodPorts? Ports { get; init; }

    public required ColdStarts ColdStarts { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>
/// The kubelet of the embedded platform: registers the Node, runs the pods bound to it with an OCI runtime, and reports on them. To the API
/// it is a client like any kubelet.
/// </summary>
/// <remarks>
/// Order of calls: <see cref="CreateAsync"/>, <see cref="RecoverAsync"/> (before controllers start), <see cref="RunAsync"/>.
/// Disposing leaves the containers running for the next daemon; <see cref="StopAllAsync"/> ends them.
/// </remarks>
public sealed class NodeAgent : IAsyncDisposable
{
    private readonly NodeServices _node;
    private readonly Informer<V1Pod> _pods;
    private readonly Informer<V1Service> _services;
    private readonly Informer<V1PersistentVolume> _volumes;
    private readonly NodeHeartbeat _heartbeat;

    private NodeAgent(NodeServices node, Informer<V1Pod> pods, Informer<V1Service> services, Informer<V1PersistentVolume> volumes)
    {
        (_node, _pods, _services, _volumes) = (node, pods, services, volumes);
        Pods = new PodSet(node);
        _heartbeat = new NodeHeartbeat(node, () => KubeletPort);
    }

    /// <summary>The runtime chosen, such as <c>crun://1.8.1</c>.</summary>
    public string Runtime => _node.Runtime.Program.Reported;

    /// <summary>The images of all pods on this node, as named and by digest: what a collection of images must leave.</summary>
    public IReadOnlyList<string> ImagesInUse =>
        [.. Pods.All.SelectMany(p => p.All).SelectMany(s => (string[])[s.Container.Image, s.ImageId]).Where(i => i.Length > 0).Distinct()];

    /// <summary>Where the node's own API listens, for the Node's status; set it before <see cref="RunAsync"/>.</summary>
    public int KubeletPort { get; set; }

    /// <summary>Completes when the Node object is Ready and the first list of pods was taken over.</summary>
    public Task Registered => _registered.Task;

    internal PodSet Pods { get; }
    internal NodeServices Services => _node;

    private readonly TaskCompletionSource _registered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether an earlier daemon left pods on this machine, for <see cref="RecoverAsync"/>.</summary>
    public static bool HasPods(NodeOptions options)
    {
        var pods = new NodePaths(options.RunDirectory, options.DataDirectory).Pods;
        return Directory.Exists(pods) && Directory.EnumerateDirectories(pods).Any();
    }

    /// <summary>Prepares the directories and chooses a runtime by running a container with it.</summary>
    /// <exception cref="InvalidOperationException">No runtime works here; the message has the reasons.</exception>
    public static async Task<NodeAgent> CreateAsync(NodeOptions options, NodeDependencies dependencies)
    {
        var (time, loggers) = (dependencies.Time, dependencies.Loggers);
        var paths = new NodePaths(options.RunDirectory, options.DataDirectory);
        paths.Prepare();
        var exits = new ContainerExits(paths);
        var threads = new WorkerThreads(options.ContainersStartedAtOnce);
        var test = new RuntimeSelfTest(paths, options.CgroupRoot, time, loggers.CreateLogger<RuntimeSelfTest>());
        var runtime = await test.ChooseAsync(options.Runtimes, exits, threads);
        var client = new KubeClient(dependencies.Transport, "kubelet");
        var services = new Informer<V1Service>(dependencies.Transport, time, loggers.CreateLogger<NodeAgent>());
        var ours = new InformerOptions { FieldSelector = $"spec.nodeName={options.Name}" };
        var pods = new Informer<V1Pod>(dependencies.Transport, time, loggers.CreateLogger<NodeAgent>(), ours);
        var node = new NodeServices
        {
            Options = options,
            Paths = paths,
            Client = client,
            Images = dependencies.Images,
            Network = dependencies.Network,
            Ports = dependencies.Ports,
            ColdStarts = dependencies.ColdStarts,
            Time = time,
            Runtime = runtime,
            Threads = threads,
            Exits = exits,
            Cgroups = Cgroups.Detect(),
            Events = new EventRecorder(client, time, loggers.CreateLogger<EventRecorder>()),
            ServiceEnvironment = new ServiceEnvironment(options, services),
            Objects = new WatchedObjects(client, time, loggers),
            Volumes = new PersistentVolumes(client, options, threads, loggers.CreateLogger<PersistentVolumes>()),
            Probes = new ProbeClient(dependencies.Network),
            Loggers = loggers,
            Rights = HostRights.Detect(),
            MemoryBytes = NodeObject.MemoryBytes(),
        };
        var volumes = new Informer<V1PersistentVolume>(dependencies.Transport, time, loggers.CreateLogger<NodeAgent>());
        return new NodeAgent(node, pods, services, volumes);
    }

    /// <summary>
    /// Finds the pods that the last daemon left running and follows them again; removes all else that it left. Before any controller
    /// looks at pods, and before the network collects namespaces that nobody adopted.
    /// </summary>
    /// <returns>The pods found again.</returns>
    public Task<IReadOnlyList<V1Pod>> RecoverAsync(CancellationToken cancellationToken) => Pods.RecoverAsync(cancellationToken);

    /// <summary>Registers the Node and runs its pods until cancelled; the containers go on running then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var services = _services.RunAsync(cancellationToken);
        await _heartbeat.RegisterAsync(cancellationToken);
        await _services.WaitForSyncAsync(cancellationToken);
        using var subscription = _pods.Subscribe(Pods.Handle);
        using var volumes = _volumes.Subscribe(_node.Volumes.Handle);
        var pods = _pods.RunAsync(cancellationToken);
        await _pods.WaitForSyncAsync(cancellationToken);
        _registered.TrySetResult();
        await Task.WhenAll(
            services, pods, _volumes.RunAsync(cancellationToken), _heartbeat.RunAsync(cancellationToken), Pods.KeepHouseAsync(cancellationToken));
    }

    /// <summary>Ends all pods and removes every process, mount and control group of theirs; the API's objects stay.</summary>
    /// <param name="grace">The longest that a program gets between SIGTERM and SIGKILL.</param>
    public async Task StopAllAsync(TimeSpan grace)
    {
        await Pods.StopAllAsync(grace);
        _node.Paths.Release();
    }

    /// <summary>
    /// Removes everything of every pod that an earlier daemon left on this machine, without asking the API and without grace: what is
    /// needed when that daemon was killed and no other follows.
    /// </summary>
    public async Task RemoveAllAsync()
    {
        await new Leftovers(_node).RemoveAsync(new HashSet<string>());
        _node.Paths.Release();
    }

    public async ValueTask DisposeAsync()
    {
        _node.IsDetached = true;
        await _node.Events.DisposeAsync();
        _node.Exits.Dispose();
        _node.Probes.Dispose();
        _node.Threads.Dispose();
    }
}
