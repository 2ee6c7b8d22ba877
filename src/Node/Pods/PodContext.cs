using k8s.Models;
using Knet.Kube.Controllers;
using Knet.Node.Agent;
using Knet.Node.Logs;
using Knet.Node.Network;
using Knet.Node.Runtime;
using Knet.Node.Volumes;

namespace Knet.Node.Pods;

/// <summary>One pod on this node: its object, its containers, and what they share. Lives from the pod's arrival to its removal.</summary>
/// <remarks>Thread-safe: containers' states change only within <see cref="Change"/>.</remarks>
internal sealed class PodContext
{
    private readonly Lock _gate = new();
    private readonly PodStatusWriter _writer;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private V1Pod _pod;
    private string _phase = "";
    private bool _ready;

    public PodContext(V1Pod pod, NodeServices node)
    {
        (_pod, Node) = (pod, node);
        Uid = pod.Metadata.Uid;
        StartTime = pod.Status?.StartTime ?? node.NowSeconds;
        Directory = node.Paths.Pod(Uid);
        Namespaces = new PodNamespaces(Directory);
        Init = [.. (pod.Spec.InitContainers ?? []).Select(c =>
            new ContainerSlot(c, c.RestartPolicy == "Always" ? ContainerKind.Sidecar : ContainerKind.Init))];
        var virtualProxy = pod.Metadata.Labels?.ContainsKey(QueueProxyLoop.RevisionLabel) == true;
        App = [.. pod.Spec.Containers.Select(c =>
            new ContainerSlot(c, virtualProxy && c.Name == QueueProxyLoop.ContainerName ? ContainerKind.Virtual : ContainerKind.App))];
        foreach (var slot in App.Where(_ => Init.Count > 0))
        {
            slot.State = ContainerSlot.Waiting("PodInitializing", null);
        }

        foreach (var slot in Init)
        {
            slot.State = ContainerSlot.Waiting("PodInitializing", null);
        }

        _writer = new PodStatusWriter(this);
    }

    public NodeServices Node { get; }
    public string Uid { get; }
    public string Directory { get; }
    public DateTime StartTime { get; set; }
    public IReadOnlyList<ContainerSlot> Init { get; }
    public IReadOnlyList<ContainerSlot> App { get; }
    public IEnumerable<ContainerSlot> All => Init.Concat(App);

    /// <summary>The newest version of the object. Shared: never change it.</summary>
    public V1Pod Pod
    {
        get => Volatile.Read(ref _pod);
        set => Volatile.Write(ref _pod, value);
    }

    public string Name => Pod.Metadata.Name;
    public string Namespace => Pod.Metadata.NamespaceProperty;
    public string FullName => $"{Name}_{Namespace}({Uid})";
    public string RestartPolicy => Pod.Spec.RestartPolicy ?? "Always";
    public string? Revision => Pod.Metadata.Labels?.TryGetValue(QueueProxyLoop.RevisionLabel, out var r) == true ? r : null;
    public string CgroupsPath => $"{Node.Options.CgroupRoot}/pod{Uid}";

    /// <summary>What its containers share beside the sandbox's network.</summary>
    public PodNamespaces Namespaces { get; }

    /// <summary>The container that holds the shared process namespace, with shareProcessNamespace.</summary>
    public ContainerRun? Pause { get; set; }

    public PodSandbox? Sandbox { get; set; }
    public PodVolumes? Volumes { get; set; }

    /// <summary>The pod is being ended: nothing new is started, running containers are stopped.</summary>
    public CancellationTokenSource Stopping { get; } = new();

    /// <summary>The grace period is over.</summary>
    public CancellationTokenSource KillNow { get; } = new();

    /// <summary>Nobody looks at this pod any more: it was removed from the API.</summary>
    public bool Removed { get; set; }

    public bool Stopped { get; set; }
    public (string Reason, string Message)? Failure { get; set; }

    /// <summary>The node never took it: as with kubelet, nothing is said of its containers.</summary>
    public bool Refused { get; set; }

    /// <summary>Why the node ends the pod; becomes its <see cref="Failure"/> when its containers have ended.</summary>
    public (string Reason, string Message)? Verdict { get; set; }

    /// <summary>What a container gets between its stop signal and SIGKILL: terminationGracePeriodSeconds, 30 s by default.</summary>
    public TimeSpan Grace => TimeSpan.FromSeconds(Pod.Spec.TerminationGracePeriodSeconds ?? 30);

    /// <summary>When the first application container's process was started; completes once.</summary>
    public TaskCompletionSource FirstStart { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Changes containers' states under the lock and reports the status that results.</summary>
    /// <param name="urgent">Written at once; so are changes of phase and readiness in any case.</param>
    public void Change(Action change, bool urgent = false)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            var status = PodStatus.Of(Facts());
            var ready = status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });
            urgent |= ready != _ready || (status.Phase != _phase && status.Phase is "Succeeded" or "Failed");
            if (ready && !_ready && Revision is { } revision)
            {
                Node.ColdStarts.Mark(Namespace, revision, DataPlane.Stats.ColdStartPhase.Ready);
            }

            (_phase, _ready) = (status.Phase, ready);
            _writer.Post(status, urgent);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.TrySetResult();
    }

    /// <summary>Completes at the next change after this call.</summary>
    public Task NextChange()
    {
        lock (_gate)
        {
            return _changed.Task;
        }
    }

    /// <summary>Reads under the lock.</summary>
    public T Read<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    public Task FlushStatusAsync() => _writer.FlushAsync();

    /// <param name="about">The container that it is about; null for the pod as a whole.</param>
    public void Event(string type, string reason, string message, ContainerSlot? about = null)
    {
        var field = about is null ? null
            : about.Kind is ContainerKind.Init or ContainerKind.Sidecar ? $"spec.initContainers{{{about.Name}}}" : $"spec.containers{{{about.Name}}}";
        Node.Events.Record("kubelet", Pod, new PlanEvent(type, reason, message), field, Node.Options.Name);
    }

    public string LogPath(string container, int restarts) =>
        Path.Combine(Node.Paths.Logs, $"{Namespace}_{Name}_{Uid}", container, $"{restarts}.log");

    /// <summary>The log of the queue-proxy, which the daemon writes itself.</summary>
    public ContainerLog QueueProxyLog() => new(
        LogPath(QueueProxyLoop.ContainerName, 0), Node.Options.LogBytesMax, Node.Options.LogFilesMax, Node.Time,
        e => Event("Warning", "LogNotWritten", $"Lines of container {QueueProxyLoop.ContainerName}'s log are lost: {e.Message}"));

    private PodFacts Facts() => new()
    {
        Pod = Pod,
        Init = [.. Init.Select(s => s.Status(Node.Runtime.Program.Name))],
        App = [.. App.Select(s => s.Status(Node.Runtime.Program.Name))],
        HostIp = Node.Options.Address,
        PodIp = Sandbox?.Ip ?? (Pod.Status?.Phase is "Succeeded" or "Failed" ? Pod.Status.PodIP : null),
        StartTime = StartTime,
        Now = Node.NowSeconds,
        Stopped = Stopped,
        Failure = Failure,
        Refused = Refused,
        Before = _writer.Last?.Conditions ?? Pod.Status?.Conditions ?? [],
    };
}
