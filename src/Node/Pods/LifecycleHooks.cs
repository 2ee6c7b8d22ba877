using System.Net;
using k8s.Models;
using Knet.Node.Probes;

namespace Knet.Node.Pods;

/// <summary>Runs a container's postStart and preStop hooks.</summary>
internal sealed class LifecycleHooks(PodContext pod, ContainerSlot slot)
{
    private const string DrainPath = "/wait-for-drain";
    private const int DrainPort = 8022;

    /// <returns>Null, or why the hook failed.</returns>
    /// <exception cref="OperationCanceledException">It took longer than it may.</exception>
    public async Task<string?> RunAsync(V1LifecycleHandler hook, ContainerRun run, CancellationToken cancellationToken)
    {
        var probe = new ContainerProbe(pod, slot.Container);
        if (hook.Sleep is { } sleep)
        {
            await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), pod.Node.Time, cancellationToken);
            return null;
        }

        if (hook.Exec is { } exec)
        {
            var result = await probe.ExecAsync(run, exec.Command ?? [], TimeSpan.FromDays(1), cancellationToken);
            return result.Success ? null : $"command '{string.Join(' ', exec.Command ?? [])}' failed: {result.Output}";
        }

        if (hook.HttpGet is { } get)
        {
            // The drain hook asks the queue-proxy, which is the daemon itself: the pod's requests in flight are known here.
            if (get.Path == DrainPath && probe.Port(get.Port) == DrainPort && pod.App.Any(s => s.Kind == ContainerKind.Virtual))
            {
                await (pod.Node.Ports?.DrainAsync(pod.Sandbox!, pod.Pod, cancellationToken) ?? Task.CompletedTask);
                return null;
            }

            var result = await pod.Node.Probes.HttpAsync(
                pod.Sandbox!, IPAddress.Parse(pod.Sandbox!.Ip), probe.Port(get.Port), get, http2: false, cancellationToken);
            return result.Success ? null : result.Output;
        }

        return null;
    }
}
