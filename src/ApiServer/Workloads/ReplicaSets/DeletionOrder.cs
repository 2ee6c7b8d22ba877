using System.Globalization;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.ReplicaSets;

/// <summary>
/// Which pods go first when there are too many. Kubernetes' rules in their order: unassigned, pending, not ready, lower deletion cost, on
/// a node with more of them, ready for a shorter time, more restarts, younger.
/// </summary>
internal static class DeletionOrder
{
    public static IEnumerable<V1Pod> Sort(IReadOnlyCollection<V1Pod> pods)
    {
        var perNode = pods.GroupBy(p => p.Spec?.NodeName ?? "").ToDictionary(g => g.Key, g => g.Count());
        return pods
            .OrderBy(p => string.IsNullOrEmpty(p.Spec?.NodeName) ? 0 : 1)
            .ThenBy(p => p.Status?.Phase switch { "Pending" or null or "" => 0, "Unknown" => 1, _ => 2 })
            .ThenBy(p => PodStates.IsReady(p) ? 1 : 0)
            .ThenBy(Cost)
            .ThenByDescending(p => perNode[p.Spec?.NodeName ?? ""])
            .ThenByDescending(p => PodStates.ReadySince(p) ?? DateTime.MaxValue)
            .ThenByDescending(PodStates.Restarts)
            .ThenByDescending(p => p.Metadata.CreationTimestamp ?? DateTime.MaxValue)
            .ThenBy(p => p.Metadata.Name, StringComparer.Ordinal);
    }

    private static int Cost(V1Pod pod) =>
        pod.Metadata.Annotations is { } annotations && annotations.TryGetValue(WorkloadLabels.PodDeletionCost, out var text)
        && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var cost) ? cost : 0;
}
