using Knet.Node.Agent;
using Knet.Node.Network;

namespace Knet.Node.Pods;

/// <summary>A pod's network, as the kubelet gets it: what the kernel refuses is told in an Event and tried again, the pod stays Pending.</summary>
internal static class SandboxRetry
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(30);

    /// <exception cref="OperationCanceledException">The pod was stopped meanwhile.</exception>
    public static async Task<PodSandbox> AcquireAsync(PodContext pod, NodeServices node)
    {
        for (var delay = First; ; delay = delay * 2 < Longest ? delay * 2 : Longest)
        {
            try
            {
                return await node.Network.AcquireAsync(pod.Uid, pod.Stopping.Token);
            }
            catch (NetworkException e)
            {
                pod.Event("Warning", "FailedCreatePodSandBox", $"Failed to create pod sandbox: {e.Message}");
                await Task.Delay(delay, node.Time, pod.Stopping.Token);
            }
        }
    }
}
