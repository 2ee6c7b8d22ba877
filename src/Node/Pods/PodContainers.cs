namespace Knet.Node.Pods;

/// <summary>
/// Runs a pod's containers in kubelet's order: init containers one after the other, sidecars among them until they have started, then
/// all others at once; when those have ended, the sidecars are stopped in the reverse order of their start.
/// </summary>
/// <param name="followed">Called when everything that ran before the daemon was restarted is followed again.</param>
internal sealed class PodContainers(PodContext pod, Action followed)
{
    private readonly List<(CancellationTokenSource Stop, Task Loop)> _sidecars = [];

    /// <summary>Returns when all containers have ended for good.</summary>
    /// <exception cref="OperationCanceledException">The pod was ended before all of them were started.</exception>
    public async Task RunAsync()
    {
        try
        {
            if (!await RunInitAsync())
            {
                return;
            }

            var loops = pod.App.Select(slot => slot.Kind == ContainerKind.Virtual
                ? new QueueProxyLoop(pod, slot, pod.Stopping.Token).RunAsync()
                : new ContainerLoop(pod, slot, pod.Stopping.Token).RunAsync()).ToList();
            followed();
            await Task.WhenAll(loops);
        }
        finally
        {
            await StopSidecarsAsync();
        }
    }

    private async Task StopSidecarsAsync()
    {
        if (_sidecars.Count > 0 && !pod.Stopping.IsCancellationRequested)
        {
            pod.KillNow.CancelAfter(pod.Grace);
        }

        foreach (var (stop, loop) in Enumerable.Reverse(_sidecars))
        {
            await stop.CancelAsync();
            await loop;
            stop.Dispose();
        }
    }

    /// <summary>False when one failed for good.</summary>
    private async Task<bool> RunInitAsync()
    {
        foreach (var slot in pod.Init)
        {
            if (slot.Kind == ContainerKind.Sidecar)
            {
                var stop = new CancellationTokenSource();
                _sidecars.Add((stop, new ContainerLoop(pod, slot, stop.Token).RunAsync()));
                await OnceFollowedAsync(UntilStartedAsync(slot));
                continue;
            }

            var init = new ContainerLoop(pod, slot, pod.Stopping.Token).RunAsync();
            await OnceFollowedAsync(init);
            if (!await init)
            {
                pod.Stopping.Token.ThrowIfCancellationRequested();
                return false;
            }
        }

        return true;
    }

    /// <summary>Waits for what may take as long as a program likes: the start of the daemon must not wait for it too.</summary>
    private Task OnceFollowedAsync(Task step)
    {
        if (!step.IsCompleted)
        {
            followed();
        }

        return step;
    }

    private async Task UntilStartedAsync(ContainerSlot slot)
    {
        while (true)
        {
            var change = pod.NextChange();
            if (pod.Read(() => slot.Started))
            {
                return;
            }

            await change.WaitAsync(pod.Stopping.Token);
        }
    }
}
