using System.Runtime.ExceptionServices;
using k8s.Models;
using Knet.DataPlane.Stats;
using Knet.Kube.Client;
using Knet.Node.Agent;
using Knet.Node.Logs;
using Knet.Node.Runtime;
using Knet.Node.Volumes;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Pods;

/// <summary>
/// Carries one pod through its life: refusal or start, init containers, containers, end. Everything independent happens at once; the
/// order that remains is kubelet's.
/// </summary>
internal sealed partial class PodWorker
{
    private static readonly TimeSpan VolumeRetryFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan VolumeRetryMax = TimeSpan.FromSeconds(122);
    private static readonly TimeSpan EvictionGrace = TimeSpan.FromSeconds(1); // as kubelet: what is too large does not wait
    private readonly NodeServices _node;
    private readonly ILogger _logger;
    private readonly PodRecord? _adopted;
    private IAsyncDisposable? _ports;
    private readonly TaskCompletionSource _adoption = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _deletion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _deadline;
    private readonly Lock _gate = new();
    private TimeSpan _grace = Timeout.InfiniteTimeSpan;
    private bool _released;

    /// <param name="adopted">What the last daemon left of the pod, or null for a new one.</param>
    public PodWorker(V1Pod pod, NodeServices node, PodRecord? adopted)
    {
        (_node, _adopted) = (node, adopted);
        _logger = node.Loggers.CreateLogger<PodWorker>();
        Context = new PodContext(pod, node);
        _deadline = node.Time.CreateTimer(_ => MissedDeadline(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Context.Revision is { } revision)
        {
            node.ColdStarts.Mark(Context.Namespace, revision, ColdStartPhase.Created);
        }
    }

    public PodContext Context { get; }

    /// <summary>Completes when the pod is gone: from the API and from this machine.</summary>
    public Task Done { get; private set; } = Task.CompletedTask;

    public void Start() => Done = RunAsync();

    /// <summary>Completes when an adopted pod's containers are followed again (or the pod is no more), and its status says so.</summary>
    public async Task WaitForAdoptionAsync()
    {
        await Task.WhenAny(_adoption.Task, Done);
        await Context.FlushStatusAsync();
    }

    /// <summary>Takes a newer version of the object.</summary>
    public void Update(V1Pod pod)
    {
        var old = Context.Pod;
        Context.Pod = pod;
        if (pod.Metadata.DeletionTimestamp is not null)
        {
            Terminate(pod.Metadata.DeletionGracePeriodSeconds is { } s ? TimeSpan.FromSeconds(s) : Context.Grace);
        }
        else if (old.Spec.ActiveDeadlineSeconds != pod.Spec.ActiveDeadlineSeconds)
        {
            SetDeadline();
        }

        if (!SameMaps(old.Metadata.Labels, pod.Metadata.Labels) || !SameMaps(old.Metadata.Annotations, pod.Metadata.Annotations))
        {
            Context.Volumes?.Changed(); // labels and annotations may stand in downwardAPI files
        }
    }

    /// <summary>The object is gone: whatever still runs has no reason to.</summary>
    public void Remove()
    {
        Context.Removed = true;
        Terminate(TimeSpan.Zero);
    }

    /// <summary>Begins the end of pod and object; a later call can only shorten the grace period.</summary>
    public void Terminate(TimeSpan grace)
    {
        _deletion.TrySetResult();
        Stop(grace);
    }

    /// <summary>Ends the pod on this node's own decision: its containers are stopped, it is Failed, its object stays.</summary>
    public void Fail(string reason, string message, TimeSpan grace)
    {
        lock (_gate)
        {
            if (Context.Verdict is not null || Context.Stopping.IsCancellationRequested)
            {
                return;
            }

            Context.Verdict = (reason, message);
        }

        Stop(grace);
    }

    private void Stop(TimeSpan grace)
    {
        lock (_gate)
        {
            if (_grace != Timeout.InfiniteTimeSpan && grace >= _grace)
            {
                return;
            }

            _grace = grace;
        }

        Context.KillNow.CancelAfter(grace);
        _ = Context.Stopping.CancelAsync(); // not here: the caller is the watch
    }

    private static bool SameMaps(IDictionary<string, string>? a, IDictionary<string, string>? b) =>
        (a?.Count ?? 0) == (b?.Count ?? 0) && (a is null || a.All(p => b!.TryGetValue(p.Key, out var v) && v == p.Value));

    private async Task RunAsync()
    {
        try
        {
            await Task.Yield(); // the caller is the watch
            await LiveAsync();
            await EndAsync();
            await DeleteAsync();
        }
        catch (Exception e) // the outer edge: one pod's trouble must not touch the others
        {
            Log.Broken(_logger, e, Context.FullName);
            Context.Failure = ("NodeError", e.Message);
            Context.Change(() => { }, urgent: true);
            await EndAsync();
            await _deletion.Task;
            await DeleteAsync();
        }
        finally
        {
            await _deadline.DisposeAsync();
        }
    }

    /// <summary>Ends the pod when it fills more of the disk than it may. Blocking.</summary>
    public void CheckStorage()
    {
        long Written(V1Container container) => Context.App.FirstOrDefault(s => s.Name == container.Name)?.Run is { } run
            ? StorageLimits.BytesBelow(Path.Combine(_node.Paths.Layers, run.Id, "u")) + LogFiles.Of(run.LogPath).Sum(f => new FileInfo(f).Length)
            : 0;
        if (Context.Volumes is { } volumes && StorageLimits.Has(Context.Pod.Spec)
            && StorageLimits.Exceeded(Context.Pod.Spec, volumes.BytesIn, Written) is { } message)
        {
            Context.Event("Warning", "Evicted", message);
            Fail("Evicted", message, EvictionGrace);
        }
    }

    private void SetDeadline()
    {
        if (Context.Pod.Spec.ActiveDeadlineSeconds is { } seconds && !Context.Stopping.IsCancellationRequested)
        {
            var left = new DateTimeOffset(Context.StartTime, TimeSpan.Zero) + TimeSpan.FromSeconds(seconds) - _node.Now;
            _deadline.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void MissedDeadline()
    {
        const string message = "Pod was active on the node longer than the specified deadline";
        Context.Event("Normal", "DeadlineExceeded", message);
        Fail("DeadlineExceeded", message, Context.Grace);
    }

    private async Task LiveAsync()
    {
        if (Context.Pod.Status is { Phase: "Succeeded" or "Failed" } final && _adopted is null)
        {
            Restore(final, []);
            Context.Failure = final is { Phase: "Failed", Reason: { } reason } ? (reason, final.Message) : null;
            Context.Refused = Context.Failure is not null && final.ContainerStatuses is not { Count: > 0 };
            await _deletion.Task;
            return;
        }

        try
        {
            if (PodRefusal.Of(Context.Pod, _node.Options) is { } refusal)
            {
                Context.Event("Warning", refusal.Reason, refusal.Message);
                (Context.Failure, Context.Refused) = (refusal, true);
                Context.Change(() => { }, urgent: true);
            }
            else
            {
                await StartAsync();
                await new PodContainers(Context, () => _adoption.TrySetResult()).RunAsync();
            }
        }
        catch (OperationCanceledException) when (Context.Stopping.IsCancellationRequested)
        {
            Log.Stopped(_logger, Context.FullName);
        }

        await EndAsync(); // all have ended for good: addresses and volumes go, the object stays
        await _deletion.Task;
    }

    private async Task StartAsync()
    {
        Context.Volumes = new PodVolumes(Context);
        PodRecord.SavePod(Context);
        if (_adopted is not null)
        {
            Context.Sandbox = _adopted.Sandbox;
            Context.StartTime = _adopted.Status?.StartTime ?? Context.StartTime;
            Restore(_adopted.Status ?? new V1PodStatus(), _adopted.Runs);
        }
        else if (Context.Pod.Status is { ContainerStatuses: not null } before)
        {
            Restart(before);
        }
        else if (PodRefusal.HostPorts(Context.Pod.Spec) is { } closed)
        {
            Context.Event("Warning", "HostPortIgnored", closed);
        }

        SetDeadline();
        Context.Sandbox ??= await SandboxRetry.AcquireAsync(Context, _node);
        PodRecord.SaveSandbox(Context);
        PodFiles.Write(Context, Context.Sandbox.Ip);
        if (Context.App.Any(s => s.Kind == ContainerKind.Virtual))
        {
            _ports = _node.Ports?.Open(Context.Sandbox, Context.Pod, Context.QueueProxyLog());
        }

        Context.Change(() => { });
        await PrepareVolumesAsync();
        Context.Volumes.Follow();
        if (Context.Pod.Spec.ShareProcessNamespace == true)
        {
            await _node.Threads.RunAsync(() => PauseContainer.Ensure(Context));
        }
    }

    /// <summary>Takes over what was known of the containers, and the runs that are still followed.</summary>
    private void Restore(V1PodStatus status, IReadOnlyList<ContainerRun> runs)
    {
        Context.Pause = runs.FirstOrDefault(r => r.Name == PauseContainer.Name);
        var known = (status.InitContainerStatuses ?? []).Concat(status.ContainerStatuses ?? []).ToLookup(s => s.Name);
        foreach (var slot in Context.All)
        {
            slot.Adopted = runs.Where(r => r.Name == slot.Name && r.Process is not null).MaxBy(r => r.Restarts);
            if (known[slot.Name].FirstOrDefault() is { } before)
            {
                slot.State = before.State;
                slot.Last = before.LastState;
                slot.ImageId = before.ImageID;
                slot.Ready = (slot.Adopted is not null || slot.Kind == ContainerKind.Virtual) && before.Ready;
                slot.Restarts = slot.Adopted?.Restarts ?? before.RestartCount;
            }
        }
    }

    /// <summary>The machine was restarted: the pod's containers are gone, and are run again, init containers first.</summary>
    private void Restart(V1PodStatus status)
    {
        foreach (var before in (status.ContainerStatuses ?? []).Where(s => s.State?.Waiting is null))
        {
            if (Context.App.FirstOrDefault(s => s.Name == before.Name && s.Kind == ContainerKind.App) is { } slot)
            {
                slot.Restarts = before.RestartCount;
                slot.State = before.State.Terminated is not null ? before.State : new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = 137, Reason = "ContainerStatusUnknown", FinishedAt = _node.NowSeconds,
                        Message = "The container could not be located when the pod was terminated",
                    },
                };
            }
        }
    }

    private async Task PrepareVolumesAsync()
    {
        for (var delay = VolumeRetryFirst; ; delay = delay * 2 > VolumeRetryMax ? VolumeRetryMax : delay * 2)
        {
            try
            {
                await Context.Volumes!.PrepareAsync();
                return;
            }
            catch (VolumeException e)
            {
                Log.NoVolumes(_logger, Context.FullName, e.Message);
                Context.Event("Warning", "FailedMount", e.Message);
                _adoption.TrySetResult();
                await Task.WhenAny(Context.Volumes!.NextChange(), Task.Delay(delay, _node.Time, Context.Stopping.Token));
                Context.Stopping.Token.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Gives back what the pod held. The containers have ended. Harmless when done before.</summary>
    private async Task EndAsync()
    {
        if (Context.Stopping.IsCancellationRequested)
        {
            Context.Stopped = true;
            Context.Failure ??= Context.Verdict;
        }

        Context.Change(() => { }, urgent: true);
        if (_ports is { } ports)
        {
            _ports = null;
            await ports.DisposeAsync();
        }

        if (Context.Volumes is { } volumes)
        {
            Context.Volumes = null;
            await volumes.DisposeAsync();
        }

        if (Context.Sandbox is { } sandbox && !_released)
        {
            _released = true;
            await _node.Network.ReleaseAsync(sandbox);
        }

        await _node.Threads.RunAsync(() =>
        {
            PauseContainer.Remove(Context);
            PodNamespaces.Remove(Context.Directory);
            _node.Cgroups.Remove(Context.CgroupsPath);
        });
    }

    private async Task DeleteAsync()
    {
        await Context.FlushStatusAsync();
        var options = new V1DeleteOptions { GracePeriodSeconds = 0, Preconditions = new V1Preconditions { Uid = Context.Uid } };
        ExceptionDispatchInfo? failure = null;
        for (var delay = TimeSpan.FromMilliseconds(50); !Context.Removed && !_node.IsStopping; delay *= 2)
        {
            try
            {
                await _node.Client.DeleteAsync<V1Pod>(Context.Namespace, Context.Name, CancellationToken.None, options);
                break;
            }
            catch (KubeException e) when (e.IsNotFound || e.IsConflict)
            {
                break; // gone already, or another pod by now
            }
            catch (Exception e) when (e is KubeException or HttpRequestException && delay < TimeSpan.FromMinutes(1))
            {
                failure = ExceptionDispatchInfo.Capture(e);
                Log.NotDeleted(_logger, Context.FullName, failure.SourceException.Message);
            }

            await Task.Delay(delay, _node.Time);
        }

        Context.Removed = true;
        RemoveFiles();
    }

    private void RemoveFiles()
    {
        NodePaths.TryDelete(Context.Directory);
        NodePaths.TryDelete(Path.Combine(_node.Paths.Logs, $"{Context.Namespace}_{Context.Name}_{Context.Uid}"));
    }

    private static partial class Log
    {
        [LoggerMessage(3509, LogLevel.Error, "the pod {Pod} met an error of the node")]
        public static partial void Broken(ILogger logger, Exception exception, string pod);

        [LoggerMessage(3510, LogLevel.Warning, "the pod {Pod} waits for its volumes: {Reason}")]
        public static partial void NoVolumes(ILogger logger, string pod, string reason);

        [LoggerMessage(3511, LogLevel.Debug, "the pod {Pod} was stopped")]
        public static partial void Stopped(ILogger logger, string pod);

        [LoggerMessage(3512, LogLevel.Warning, "the pod {Pod} could not be deleted, trying again: {Reason}")]
        public static partial void NotDeleted(ILogger logger, string pod, string reason);
    }
}
