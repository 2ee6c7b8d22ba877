using Knet.Node.Runtime;

namespace Knet.Node.Pods;

/// <summary>Ends a running container: preStop, its stop signal, and SIGKILL when the grace period is over.</summary>
internal sealed class ContainerStop(PodContext pod, ContainerSlot slot, ContainerRun run, Task<ContainerExit> exit)
{
    /// <summary>What a program gets when its hook, or the containers before it, have used up the grace period, as kubelet.</summary>
    private static readonly TimeSpan GraceMin = TimeSpan.FromSeconds(2);

    // How long to wait for the keeper's word after SIGKILL before the process table is believed.
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(10);

    private static readonly Dictionary<string, int> Signals = new(StringComparer.OrdinalIgnoreCase)
    {
        ["HUP"] = 1, ["INT"] = 2, ["QUIT"] = 3, ["ABRT"] = 6, ["KILL"] = 9, ["USR1"] = 10, ["USR2"] = 12, ["ALRM"] = 14, ["TERM"] = 15,
        ["CONT"] = 18, ["STOP"] = 19, ["WINCH"] = 28, ["PWR"] = 30,
    };

    /// <param name="killNow">Cancelled when the grace period is over.</param>
    public async Task<ContainerExit> StopAsync(CancellationToken killNow)
    {
        if (slot.Container.Lifecycle?.PreStop is { } hook && !exit.IsCompleted)
        {
            await PreStopAsync(new LifecycleHooks(pod, slot).RunAsync(hook, run, killNow));
        }

        if (!exit.IsCompleted)
        {
            OciRuntime.Signal(run.Process!, SignalNumber(run.StopSignal));
            await WaitAsync(killNow);
        }

        if (!exit.IsCompleted)
        {
            OciRuntime.Signal(run.Process!, Native.SigKill);
            await Task.WhenAny(exit, Task.Delay(KillPatience, pod.Node.Time, CancellationToken.None));
        }

        if (!exit.IsCompleted && !OciRuntime.IsAlive(run.Process!))
        {
            pod.Node.Exits.Report(run.Id, new ContainerExit(137, pod.Node.Now));
        }

        return await exit;
    }

    /// <summary><c>SIGTERM</c>, <c>TERM</c>, <c>15</c> or <c>SIGRTMIN+3</c> as a number.</summary>
    public static int SignalNumber(string name)
    {
        var bare = name.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? name[3..] : name;
        const int realTimeMin = 34;
        return int.TryParse(bare, out var number) ? number
            : Signals.TryGetValue(bare, out var known) ? known
            : bare.StartsWith("RTMIN", StringComparison.OrdinalIgnoreCase)
                ? realTimeMin + (int.TryParse(bare[5..], out var plus) ? plus : 0)
            : Native.SigTerm;
    }

    private async Task PreStopAsync(Task<string?> hook)
    {
        try
        {
            await Task.WhenAny(hook, exit); // a program that is gone needs no more preparation
            if (hook.IsCompleted && await hook is { } problem)
            {
                pod.Event("Warning", "FailedPreStopHook", $"PreStopHook failed: {problem}", slot);
            }
        }
        catch (OperationCanceledException)
        {
            pod.Event("Warning", "FailedPreStopHook", "PreStopHook failed: it took longer than the grace period", slot);
        }
    }

    private async Task WaitAsync(CancellationToken killNow)
    {
        if (killNow.IsCancellationRequested)
        {
            if (!pod.Removed && (slot.Container.Lifecycle?.PreStop is not null || slot.Kind == ContainerKind.Sidecar))
            {
                await Task.WhenAny(exit, Task.Delay(GraceMin, pod.Node.Time, CancellationToken.None));
            }

            return;
        }

        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (killNow.UnsafeRegister(_ => over.TrySetResult(), null))
        {
            await Task.WhenAny(exit, over.Task);
        }
    }
}
