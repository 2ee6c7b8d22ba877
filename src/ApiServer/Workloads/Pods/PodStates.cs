using k8s.Models;

namespace Knet.ApiServer.Workloads.Pods;

/// <summary>What the controllers ask of a pod.</summary>
internal static class PodStates
{
    /// <summary>It has ended and will not run again.</summary>
    public static bool IsTerminal(V1Pod pod) => pod.Status?.Phase is "Succeeded" or "Failed";

    /// <summary>It counts as a replica: neither ended nor on its way out.</summary>
    public static bool IsActive(V1Pod pod) => !IsTerminal(pod) && pod.Metadata.DeletionTimestamp is null;

    /// <summary>
    /// How long to wait before another pod is made in place of those that the node refused, null for not at all. Kubernetes makes them as
    /// fast as they fail; on one machine the answer stays the same, and thousands of dead pods help nobody.
    /// </summary>
    public static TimeSpan? PauseAfterRejections(IEnumerable<V1Pod> pods, DateTimeOffset now)
    {
        var rejected = pods.Where(IsRejected).ToList();
        if (rejected.Count < RejectionsAtOnce)
        {
            return null;
        }

        var pause = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, rejected.Count - RejectionsAtOnce), RejectionPauseSecondsMax));
        var left = rejected.Max(p => p.Metadata.CreationTimestamp ?? default) + pause - now.UtcDateTime;
        return left > TimeSpan.Zero ? left : null;
    }

    private const int RejectionsAtOnce = 3;
    private const double RejectionPauseSecondsMax = 300;

    private static bool IsRejected(V1Pod pod) =>
        pod.Status is { Phase: "Failed", Message: { } message } && message.StartsWith("Pod was rejected: ", StringComparison.Ordinal);

    public static bool IsReady(V1Pod pod) => Condition(pod, "Ready")?.Status == "True";

    /// <summary>When it became ready; null when it is not.</summary>
    public static DateTime? ReadySince(V1Pod pod) => Condition(pod, "Ready") is { Status: "True" } ready ? ready.LastTransitionTime : null;

    /// <summary>When it is (or was) available: ready for that many seconds; null when it is not ready.</summary>
    public static DateTime? AvailableAt(V1Pod pod, int minReadySeconds)
    {
        if (!IsReady(pod))
        {
            return null;
        }

        return minReadySeconds == 0 ? DateTime.MinValue : (ReadySince(pod) ?? DateTime.MaxValue.AddSeconds(-minReadySeconds))
            .AddSeconds(minReadySeconds);
    }

    public static V1PodCondition? Condition(V1Pod pod, string type)
    {
        if (pod.Status?.Conditions is { } conditions)
        {
            foreach (var condition in conditions)
            {
                if (condition.Type == type)
                {
                    return condition;
                }
            }
        }

        return null;
    }

    public static int Restarts(V1Pod pod) =>
        pod.Status?.ContainerStatuses is { Count: > 0 } containers ? containers.Max(c => c.RestartCount) : 0;
}
