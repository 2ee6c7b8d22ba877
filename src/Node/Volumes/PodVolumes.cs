using k8s.Models;
using Knet.Kube.Client;
using Knet.Node.Pods;
using Knet.Node.Runtime;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Volumes;

/// <summary>The volumes of one pod: made before its first container, kept fresh while it runs, removed after the last.</summary>
/// <remarks>What comes from API objects lies in the node's tmpfs, so that secrets never reach a disk.</remarks>
internal sealed partial class PodVolumes(PodContext pod) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _watches = [];
    private readonly ILogger _logger = pod.Node.Loggers.CreateLogger<PodVolumes>();
    private readonly PayloadSources _sources = new(pod);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, string> _claims = [];
    private Task _refresh = Task.CompletedTask;

    private string Root => Path.Combine(pod.Directory, "volumes");
    private string DiskRoot => Path.Combine(pod.Node.Paths.Data, "volumes", pod.Uid);

    /// <summary>Makes all volumes; harmless when they are there already (after a restart of the daemon).</summary>
    /// <exception cref="VolumeException">One cannot be made; it may be later.</exception>
    public async Task PrepareAsync()
    {
        foreach (var volume in pod.Pod.Spec.Volumes ?? [])
        {
            try
            {
                await PrepareAsync(volume);
            }
            catch (Exception e) when (e is VolumeException or KubeException or IOException or ContainerConfigException)
            {
                throw new VolumeException($"MountVolume.SetUp failed for volume \"{volume.Name}\" : {e.Message}");
            }
        }
    }

    /// <summary>Begins to keep the volumes fresh. Once, after <see cref="PrepareAsync"/>.</summary>
    public void Follow()
    {
        Watch();
        _refresh = RefreshAsync(_stop.Token);
    }

    /// <summary>Completes when something changes that the volumes are made of: reason to try again to make them.</summary>
    public Task NextChange()
    {
        Watch();
        return NextChangeOf(ref _changed);
    }

    private void Watch()
    {
        foreach (var volume in (pod.Pod.Spec.Volumes ?? []).Where(_ => _watches.Count == 0))
        {
            _watches.AddRange(_sources.Watch(volume, Changed));
        }
    }

    private static Task NextChangeOf(ref TaskCompletionSource changed)
    {
        if (Volatile.Read(ref changed).Task.IsCompleted)
        {
            Volatile.Write(ref changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        return Volatile.Read(ref changed).Task;
    }

    /// <summary>The bytes in an emptyDir volume.</summary>
    public long BytesIn(V1Volume volume) => StorageLimits.BytesBelow(Place(volume));

    /// <summary>Something the volumes are made of changed.</summary>
    public void Changed() => Volatile.Read(ref _changed).TrySetResult();

    /// <summary>The mount of a volume in a container.</summary>
    /// <param name="lookup">Variables, for subPathExpr.</param>
    /// <exception cref="ContainerConfigException">There is no such volume, or the sub-path leads out of it.</exception>
    public ContainerMount Mount(V1VolumeMount mount, Func<string, string?> lookup)
    {
        var volume = pod.Pod.Spec.Volumes?.FirstOrDefault(v => v.Name == mount.Name)
            ?? throw new ContainerConfigException($"volume {mount.Name} not found");
        var source = volume.HostPath?.Path ?? _claims.GetValueOrDefault(volume.Name) ?? Place(volume);
        var sub = string.IsNullOrEmpty(mount.SubPathExpr) ? mount.SubPath : VariableExpansion.Expand(mount.SubPathExpr, lookup);
        if (!string.IsNullOrEmpty(sub))
        {
            source = IsPayload(volume) ? PayloadPath(source, sub, mount) : OwnPath(source, sub);
        }

        return ContainerMount.Bind(
            source, mount.MountPath,
            mount.ReadOnlyProperty == true || IsPayload(volume) || volume.PersistentVolumeClaim?.ReadOnlyProperty == true,
            mount.MountPropagation switch { "HostToContainer" => "rslave", "Bidirectional" => "rshared", _ => "rprivate" });
    }

    /// <summary>Stops following, and removes the volumes with what is in them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _refresh;
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }

        await pod.Node.Threads.RunAsync(() => RemoveFiles(pod.Node.Paths, pod.Uid));
        _stop.Dispose();
    }

    /// <summary>Removes a pod's volumes, mounted ones included.</summary>
    public static void RemoveFiles(NodePaths paths, string uid)
    {
        var root = Path.Combine(paths.Pod(uid), "volumes");
        foreach (var directory in Directory.Exists(root) ? Directory.GetDirectories(root) : [])
        {
            _ = Native.Unmount(directory, Native.MntDetach);
        }

        NodePaths.TryDelete(root);
        NodePaths.TryDelete(Path.Combine(paths.Data, "volumes", uid));
    }

    /// <summary>An ephemeral volume's claim is named after pod and volume.</summary>
    private string? ClaimOf(V1Volume volume) =>
        volume.PersistentVolumeClaim?.ClaimName ?? (volume.Ephemeral is null ? null : $"{pod.Name}-{volume.Name}");

    private static bool IsPayload(V1Volume v) => (v.ConfigMap ?? v.Secret ?? v.Projected ?? (object?)v.DownwardAPI) is not null;

    private string Place(V1Volume volume) =>
        Path.Combine(volume.EmptyDir is { } empty && empty.Medium != "Memory" ? DiskRoot : Root, volume.Name);

    private async Task PrepareAsync(V1Volume volume)
    {
        if (IsPayload(volume))
        {
            var payload = await _sources.ReadAsync(volume);
            AtomicDirectory.Write(Place(volume), payload.Files, pod.Node.Now, pod.Pod.Spec.SecurityContext?.FsGroup);
        }
        else if (volume.EmptyDir is { } empty)
        {
            PrepareEmpty(volume, empty);
        }
        else if (volume.HostPath is { } host)
        {
            PrepareHostPath(host);
        }
        else if (ClaimOf(volume) is { } claim)
        {
            _claims[volume.Name] = await pod.Node.Volumes.PrepareAsync(pod.Namespace, claim, pod.Pod.Spec.SecurityContext?.FsGroup);
        }
        else
        {
            throw new VolumeException(
                "this kind of volume is unknown to this node; it has emptyDir, configMap, secret, projected, downwardAPI and persistentVolumeClaim");
        }
    }

    private void PrepareEmpty(V1Volume volume, V1EmptyDirVolumeSource empty)
    {
        var place = Place(volume);
        if (Directory.Exists(place))
        {
            return;
        }

        Directory.CreateDirectory(place);
        if (empty.Medium == "Memory")
        {
            var size = empty.SizeLimit is { } limit && limit.ToDecimal() > 0 ? $",size={(long)limit.ToDecimal()}" : "";
            Native.MountOrThrow("tmpfs", place, "tmpfs", Native.MsNoDev | Native.MsNoSuid, "mode=0777" + size);
        }

        var mode = 0x1ff; // 0777
        if (pod.Pod.Spec.SecurityContext?.FsGroup is { } group)
        {
            _ = Native.ChangeOwner(place, 0, (uint)group);
            mode |= 0x400; // setgid: what is made in it belongs to the group too
        }

        File.SetUnixFileMode(place, (UnixFileMode)mode);
    }

    private void PrepareHostPath(V1HostPathVolumeSource host)
    {
        if (!pod.Node.Options.AllowHostPath)
        {
            throw new VolumeException($"hostPath {host.Path} is refused: it gives pods the machine; knet up --allow-host-path on allows it");
        }

        HostPathType.Check(host.Path, host.Type ?? "");
    }

    /// <summary>Files of ours: links in them are ours too, and are followed.</summary>
    private static string PayloadPath(string source, string sub, V1VolumeMount mount)
    {
        var path = Path.GetFullPath(Path.Combine(source, "..data", sub));
        return path.StartsWith(source + "/", StringComparison.Ordinal) && Path.Exists(path)
            ? Path.Combine(source, new DirectoryInfo(Path.Combine(source, "..data")).LinkTarget!, sub)
            : throw new ContainerConfigException($"failed to prepare subPath for volumeMount \"{mount.Name}\": {sub} does not exist in the volume");
    }

    /// <summary>Directories that containers write to: a link in the path could lead anywhere, so none is followed.</summary>
    private static string OwnPath(string source, string sub)
    {
        var path = source;
        foreach (var part in sub.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path = Path.Combine(path, part);
            if (part == ".." || new FileInfo(path).LinkTarget is not null)
            {
                throw new ContainerConfigException($"subPath {sub} leads through {part}, which is a link or leaves the volume");
            }

            if (!Path.Exists(path))
            {
                Directory.CreateDirectory(path);
            }
        }

        return path;
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var changed = Volatile.Read(ref _changed).Task;
            var wait = _sources.RefreshAt is { } at ? at - pod.Node.Now : Timeout.InfiniteTimeSpan;
            wait = wait < TimeSpan.Zero && wait != Timeout.InfiniteTimeSpan ? TimeSpan.FromSeconds(10) : wait;
            using (var delayed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                await Task.WhenAny(changed, Task.Delay(wait, pod.Node.Time, delayed.Token));
                await delayed.CancelAsync();
            }

            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            Volatile.Write(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            try
            {
                foreach (var volume in (pod.Pod.Spec.Volumes ?? []).Where(IsPayload))
                {
                    await PrepareAsync(volume);
                }
            }
            catch (Exception e) when (e is VolumeException or KubeException or IOException)
            {
                // The old content stays, as kubelet leaves it.
                Log.NotRefreshed(_logger, pod.FullName, e.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3518, LogLevel.Warning, "a volume of {Pod} was not refreshed: {Reason}")]
        public static partial void NotRefreshed(ILogger logger, string pod, string reason);
    }
}
