using k8s.Models;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>What a Job's <c>podFailurePolicy</c> says of a failed pod.</summary>
internal static class PodFailureRules
{
    /// <summary>The first rule that fits; null when none does, which counts the failure.</summary>
    public static (string Action, string Message)? Judge(V1Job job, V1Pod pod)
    {
        foreach (var (rule, index) in (job.Spec.PodFailurePolicy?.Rules ?? []).Select((r, i) => (r, i)))
        {
            if (rule.OnExitCodes is { } codes && Exit(pod, codes) is { } exit)
            {
                return (rule.Action, $"Container {exit.Name} for pod {pod.Metadata.NamespaceProperty}/{pod.Metadata.Name} failed with exit code "
                    + $"{exit.State.Terminated.ExitCode} matching {rule.Action} rule at index {index}");
            }

            if (rule.OnPodConditions is { } wanted && Condition(pod, wanted) is { } condition)
            {
                return (rule.Action, $"Pod {pod.Metadata.NamespaceProperty}/{pod.Metadata.Name} has condition {condition.Type} matching "
                    + $"{rule.Action} rule at index {index}");
            }
        }

        return null;
    }

    private static V1ContainerStatus? Exit(V1Pod pod, V1PodFailurePolicyOnExitCodesRequirement wanted) =>
        (pod.Status?.ContainerStatuses ?? []).Concat(pod.Status?.InitContainerStatuses ?? [])
            .Where(c => c.State?.Terminated is { ExitCode: not 0 })
            .Where(c => wanted.ContainerName is null || wanted.ContainerName == c.Name)
            .FirstOrDefault(c => wanted.Values.Contains(c.State.Terminated.ExitCode) == (wanted.OperatorProperty == "In"));

    private static V1PodCondition? Condition(V1Pod pod, IEnumerable<V1PodFailurePolicyOnPodConditionsPattern> wanted) =>
        pod.Status?.Conditions?.FirstOrDefault(c => wanted.Any(w => w.Type == c.Type && (w.Status ?? "True") == c.Status));
}
