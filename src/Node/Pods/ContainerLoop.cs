using k8s.Models;
using Knet.Kube.Client;
using Knet.Node.Agent;
using Knet.Node.Logs;
using Knet.Node.Probes;
using Knet.Node.Runtime;

namespace Knet.Node.Pods;

/// <summary>Runs one container of a pod, again and again as the restart policy says, until it is done or the pod is ended.</summary>
/// <param name="stopping">Cancelled when this container is to end (with its pod).</param>
internal sealed class ContainerLoop(PodContext pod, ContainerSlot slot, CancellationToken stopping)
{
    private readonly ImagePuller _images = new(pod);
    private readonly ContainerLauncher _launcher = new(pod);
    private readonly RestartBackoff _crashes = new();
    private static readonly TimeSpan ConfigRetry = TimeSpan.FromSeconds(10);

    /// <summary>Ends with whether the container's last run succeeded; false as well when it was stopped before it ran.</summary>
    public async Task<bool> RunAsync()
    {
        try
        {
            if (slot.Adopted is null && slot.State.Terminated is { } known && !ShouldRestart(known.ExitCode))
            {
                return known.ExitCode == 0; // it ended before the daemon was restarted
            }

            await ResumeBackOffAsync();
            CountLostRun();
            while (true)
            {
                var run = slot.Adopted ?? await LaunchAsync();
                if (run is not null)
                {
                    await FollowAsync(run);
                }

                var ended = slot.State.Terminated;
                if (stopping.IsCancellationRequested || ended is null || !ShouldRestart(ended.ExitCode))
                {
                    return ended?.ExitCode == 0;
                }

                await BackOffAsync(ended);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A container that waited for its restart when the daemon ended waits for what is left of the time.</summary>
    private async Task ResumeBackOffAsync()
    {
        if (PodRecord.LoadBackoff(pod, slot.Name) is { } before)
        {
            _crashes.Restore(before);
            var left = before.Last - pod.Node.Now;
            if (slot.Adopted is null && slot.State.Waiting is { Reason: "CrashLoopBackOff" } && left > TimeSpan.Zero)
            {
                await Task.Delay(left, pod.Node.Time, stopping);
            }
        }
    }

    /// <summary>A run that ended while no daemon looked on, or whose restart was due, counts as one.</summary>
    private void CountLostRun()
    {
        var lost = slot.State.Terminated ?? (slot.State.Waiting is null ? null : slot.Last?.Terminated);
        if (slot.Adopted is null && lost is not null)
        {
            slot.Last = new V1ContainerState { Terminated = lost };
            slot.Restarts++;
        }
    }

    private bool ShouldRestart(int code) => !stopping.IsCancellationRequested && (slot.Kind, pod.RestartPolicy) switch
    {
        (ContainerKind.Sidecar, _) => true,
        (ContainerKind.Init, "Never") => false,
        (ContainerKind.Init, _) => code != 0,
        (_, "Always") => true,
        (_, "OnFailure") => code != 0,
        _ => false,
    };

    /// <summary>A new run, or null when the runtime refused it: then the slot tells of an end.</summary>
    private async Task<ContainerRun?> LaunchAsync()
    {
        var image = await _images.GetAsync(slot, stopping);
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                var run = await _launcher.LaunchAsync(slot, image);
                Started(run);
                return run;
            }
            catch (ContainerConfigException e)
            {
                pod.Event("Warning", "Failed", $"Error: {e.Message}", slot);
                pod.Change(() => slot.State = ContainerSlot.Waiting("CreateContainerConfigError", e.Message), urgent: true);
                await Task.Delay(ConfigRetry, pod.Node.Time, stopping);
            }
            catch (ContainerStartException e)
            {
                StartFailed(e);
                return null;
            }
            catch (Exception e) when (e is KubeException or HttpRequestException or IOException)
            {
                pod.Event("Warning", "Failed", $"Error: {e.Message}", slot);
                pod.Change(() => slot.State = ContainerSlot.Waiting("CreateContainerError", e.Message), urgent: true);
                await Task.Delay(ConfigRetry, pod.Node.Time, stopping);
            }
        }
    }

    private void Started(ContainerRun run)
    {
        pod.Event("Normal", "Created", $"Created container: {slot.Name}", slot);
        pod.Event("Normal", "Started", $"Started container {slot.Name}", slot);
        SetRunning(run, ready: false);
        if (slot.Kind == ContainerKind.App)
        {
            pod.FirstStart.TrySetResult();
        }
    }

    private void SetRunning(ContainerRun run, bool ready) => pod.Change(() =>
    {
        var container = slot.Container;
        slot.Run = run;
        (slot.Image, slot.ImageId) = (run.Image, run.ImageId);
        slot.State = new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = run.StartedAt } };
        slot.Started = ready || (container.StartupProbe is null && container.Lifecycle?.PostStart is null);
        slot.Ready = ready || (slot.Started && container.ReadinessProbe is null);
    });

    private void StartFailed(ContainerStartException e)
    {
        pod.Event("Warning", "Failed", $"Error: {e.Message}", slot);
        var now = pod.Node.NowSeconds;
        pod.Change(
            () =>
            {
                slot.Run = e.Run;
                slot.ImageId = e.Run.ImageId;
                slot.Started = slot.Ready = false;
                slot.State = new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = 128, Reason = "StartError", Message = e.Message, StartedAt = now, FinishedAt = now,
                        ContainerID = ContainerId(e.Run),
                    },
                };
            },
            urgent: true);
    }

    /// <summary>Stays with a run to its end: hooks, probes, stop.</summary>
    private async Task FollowAsync(ContainerRun run)
    {
        var adopted = slot.Adopted is not null;
        slot.Adopted = null;
        var exit = pod.Node.Exits.WaitAsync(run.Id);
        var kill = new TaskCompletionSource<(string Text, long? Grace)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ready = adopted && slot.Ready;
        if (adopted)
        {
            SetRunning(run, ready);
            pod.FirstStart.TrySetResult();
        }
        else if (slot.Container.Lifecycle?.PostStart is { } hook)
        {
            await PostStartAsync(hook, run, kill);
        }

        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (stopping.UnsafeRegister(_ => stop.TrySetResult(), null))
        {
            var probes = NeedsProbes ? new ContainerProbes(pod, slot, run, ready, (text, grace) => kill.TrySetResult((text, grace))) : null;
            await Task.WhenAny(exit, kill.Task, stop.Task);
            await (probes?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        if (!exit.IsCompleted)
        {
            await StopAsync(run, exit, kill.Task);
        }

        await EndedAsync(run, await exit);
    }

    private bool NeedsProbes =>
        slot.Container is { StartupProbe: not null } or { ReadinessProbe: not null } or { LivenessProbe: not null };

    private async Task StopAsync(ContainerRun run, Task<ContainerExit> exit, Task<(string Text, long? Grace)> kill)
    {
        var stop = new ContainerStop(pod, slot, run, exit);
        if (stopping.IsCancellationRequested)
        {
            pod.Event("Normal", "Killing", $"Stopping container {slot.Name}", slot);
            await stop.StopAsync(pod.KillNow.Token);
            return;
        }

        var (text, grace) = await kill;
        pod.Event("Normal", "Killing", text, slot);
        var patience = grace is { } seconds ? TimeSpan.FromSeconds(seconds) : pod.Grace;
        using var limit = new CancellationTokenSource(patience, pod.Node.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, pod.KillNow.Token);
        await stop.StopAsync(both.Token);
    }

    private async Task PostStartAsync(V1LifecycleHandler hook, ContainerRun run, TaskCompletionSource<(string, long?)> kill)
    {
        string? problem;
        try
        {
            problem = await new LifecycleHooks(pod, slot).RunAsync(hook, run, stopping);
        }
        catch (OperationCanceledException)
        {
            return; // the pod is being ended: the container is stopped next
        }

        if (problem is not null)
        {
            pod.Event("Warning", "FailedPostStartHook", $"PostStartHook failed: {problem}", slot);
            kill.TrySetResult(("FailedPostStartHook", null));
            return;
        }

        pod.Change(() =>
        {
            slot.Started = slot.Container.StartupProbe is null;
            slot.Ready = slot.Started && slot.Container.ReadinessProbe is null;
        });
    }

    private async Task EndedAsync(ContainerRun run, ContainerExit exit)
    {
        var node = pod.Node;
        var oom = exit.Code != 0 && node.Cgroups.OomKills(run.CgroupsPath) > 0;
        var terminated = new V1ContainerStateTerminated
        {
            ExitCode = exit.Code,
            Reason = oom ? "OOMKilled" : exit.Code == 0 ? "Completed" : "Error",
            Message = TerminationMessage.Read(run.MessagePath, run.LogPath, slot.Container.TerminationMessagePolicy, exit.Code),
            StartedAt = run.StartedAt,
            FinishedAt = NodeServices.Seconds(exit.At),
            ContainerID = ContainerId(run),
        };
        pod.Change(() =>
        {
            slot.State = new V1ContainerState { Terminated = terminated };
            slot.Started = false;
            slot.Ready = slot.Kind == ContainerKind.Init && exit.Code == 0;
        });
        await node.Threads.RunAsync(() => ContainerLauncher.CleanUp(node.Paths, node.Runtime, node.Cgroups, run));
        node.Exits.Remove(run.Id);
    }

    private async Task BackOffAsync(V1ContainerStateTerminated ended)
    {
        var finished = new DateTimeOffset(ended.FinishedAt ?? pod.Node.Now.UtcDateTime, TimeSpan.Zero);
        var delay = _crashes.Next(finished);
        PodRecord.SaveBackoff(pod, slot.Name, _crashes.State);
        var wait = finished + delay - pod.Node.Now;
        var seconds = delay.TotalSeconds >= 60 ? $"{(int)delay.TotalMinutes}m{delay.Seconds}s" : $"{delay.Seconds}s";
        var message = $"back-off {seconds} restarting failed container={slot.Name} pod={pod.FullName}";
        pod.Change(() =>
        {
            slot.Last = new V1ContainerState { Terminated = ended };
            if (wait > TimeSpan.Zero)
            {
                slot.State = ContainerSlot.Waiting("CrashLoopBackOff", message);
            }
        });
        if (wait > TimeSpan.Zero)
        {
            pod.Event("Warning", "BackOff", $"Back-off restarting failed container {slot.Name} in pod {pod.FullName}", slot);
            await Task.Delay(wait, pod.Node.Time, stopping);
        }

        slot.Restarts++;
        LogFiles.RemoveOld(pod.LogPath(slot.Name, slot.Restarts), slot.Restarts);
    }

    private string ContainerId(ContainerRun run) => $"{pod.Node.Runtime.Program.Name}://{run.Id}";
}
