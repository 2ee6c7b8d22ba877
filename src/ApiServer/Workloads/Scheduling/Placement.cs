using System.Globalization;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Scheduling;

/// <summary>Where a pod goes: a node, or in Kubernetes' words why nowhere.</summary>
internal sealed record Placement(string? Node, string Message)
{
    private static readonly Dictionary<string, decimal> Nothing = [];

    private static readonly (string Condition, string Taint)[] Pressures =
    [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"),
    ];

    /// <summary>
    /// Pure: filters the nodes and takes the one with the largest free share of cpu and memory, first by name among equals.
    /// </summary>
    /// <param name="taken">What is taken on a node, by resource name.</param>
    /// <param name="missing">What keeps the pod off every node, such as a claim that does not exist.</param>
    public static Placement Decide(
        V1Pod pod, IReadOnlyList<V1Node> nodes, Func<string, IReadOnlyDictionary<string, decimal>> taken, string? missing = null)
    {
        if (nodes.Count == 0)
        {
            return new(null, "no nodes available to schedule pods");
        }

        if (missing is not null)
        {
            return new(null, $"0/{nodes.Count} nodes are available: {missing}. {Preemption(nodes.Count, nodes.Count)}");
        }

        var requests = PodResources.RequestsOf(pod.Spec);
        requests["pods"] = 1;
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var hopeless = 0; // nodes on which the pod would not fit if nothing else ran there
        var (best, bestScore) = (default(string), decimal.MinValue);
        foreach (var node in nodes)
        {
            var free = Free(node, taken(node.Metadata.Name));
            var refusals = Refusals(pod, node, requests, free).ToList();
            foreach (var reason in refusals)
            {
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }

            hopeless += refusals.Count > 0 && Refusals(pod, node, requests, Free(node, Nothing)).Any() ? 1 : 0;
            var score = Score(pod, node, free);
            if (refusals.Count == 0 && (score > bestScore || (score == bestScore && string.CompareOrdinal(node.Metadata.Name, best) < 0)))
            {
                (best, bestScore) = (node.Metadata.Name, score);
            }
        }

        var texts = reasons.Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal);
        return best is not null
            ? new(best, "")
            : new(null, $"0/{nodes.Count} nodes are available: {string.Join(", ", texts)}. {Preemption(nodes.Count, hopeless)}");
    }

    // Nothing is ever preempted here; Kubernetes says why of each node, in this order.
    private static string Preemption(int nodes, int hopeless)
    {
        var texts = new List<string>();
        if (nodes > hopeless)
        {
            texts.Add($"{nodes - hopeless} No preemption victims found for incoming pod");
        }

        if (hopeless > 0)
        {
            texts.Add($"{hopeless} Preemption is not helpful for scheduling");
        }

        return $"preemption: 0/{nodes} nodes are available: {string.Join(", ", texts.Order(StringComparer.Ordinal))}.";
    }

    private static Dictionary<string, decimal> Free(V1Node node, IReadOnlyDictionary<string, decimal> taken)
    {
        var free = new Dictionary<string, decimal>(PodResources.Amounts(node.Status?.Allocatable ?? node.Status?.Capacity));
        foreach (var (name, amount) in taken)
        {
            free[name] = free.GetValueOrDefault(name) - amount;
        }

        return free;
    }

    // As Kubernetes the first plug-in that refuses speaks for the node; resources name each one that is short.
    private static IEnumerable<string> Refusals(V1Pod pod, V1Node node, Dictionary<string, decimal> requests, Dictionary<string,
        decimal> free)
    {
        if (node.Spec?.Unschedulable == true
            && !Tolerates(pod, new V1Taint { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" }))
        {
            return ["node(s) were unschedulable"];
        }

        if (Taints(node).FirstOrDefault(t => t.Effect is "NoSchedule" or "NoExecute" && !Tolerates(pod, t)) is { } taint)
        {
            return [$"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}"];
        }

        if (!Selection.Contains(node.Metadata.Labels, pod.Spec.NodeSelector) || !MatchesAffinity(pod, node))
        {
            return ["node(s) didn't match Pod's node affinity/selector"];
        }

        return requests.Where(r => r.Value > 0 && r.Value > free.GetValueOrDefault(r.Key))
            .Select(r => r.Key == "pods" ? "Too many pods" : $"Insufficient {r.Key}");
    }

    /// <summary>A node's taints, with those that Kubernetes' node controller sets for conditions.</summary>
    private static IEnumerable<V1Taint> Taints(V1Node node) => (node.Spec?.Taints ?? []).Concat(
        Pressures.Where(p => node.Status?.Conditions?.Any(c => c.Type == p.Condition && c.Status == "True") == true)
            .Select(p => new V1Taint { Key = p.Taint, Effect = "NoSchedule" }));

    private static decimal Score(V1Pod pod, V1Node node, Dictionary<string, decimal> free)
    {
        var all = PodResources.Amounts(node.Status?.Allocatable);
        decimal Share(string name) => all.TryGetValue(name, out var total) && total > 0 ? free.GetValueOrDefault(name) / total : 0;
        var avoided = node.Spec?.Taints?.Count(t => t.Effect == "PreferNoSchedule" && !Tolerates(pod, t)) ?? 0;
        return Share("cpu") + Share("memory") - (10 * avoided);
    }

    // As admission has it in Kubernetes: only pods without any request stay away from a node that is short of memory.
    private static bool Tolerates(V1Pod pod, V1Taint taint) =>
        (taint.Key == "node.kubernetes.io/memory-pressure" && pod.Status?.QosClass is "Guaranteed" or "Burstable") || pod.Spec.Tolerations?.Any(t =>
        (string.IsNullOrEmpty(t.Effect) || t.Effect == taint.Effect)
        && (string.IsNullOrEmpty(t.Key) ? t.OperatorProperty == "Exists" : t.Key == taint.Key)
        && (t.OperatorProperty == "Exists" || (t.Value ?? "") == (taint.Value ?? ""))) == true;

    private static bool MatchesAffinity(V1Pod pod, V1Node node)
    {
        var terms = pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms;
        return terms is null || terms.Any(term =>
            (term.MatchExpressions is { Count: > 0 } || term.MatchFields is { Count: > 0 })
            && (term.MatchExpressions ?? []).All(e => Fits(e, node.Metadata.Labels?.TryGetValue(e.Key, out var v) == true ? v : null))
            && (term.MatchFields ?? []).All(e => Fits(e, e.Key == "metadata.name" ? node.Metadata.Name : null)));
    }

    private static bool Fits(V1NodeSelectorRequirement requirement, string? value) => requirement.OperatorProperty switch
    {
        "In" => value is not null && requirement.Values.Contains(value),
        "NotIn" => value is null || !requirement.Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Compare(requirement, value) is > 0,
        "Lt" => Compare(requirement, value) is < 0,
        _ => false,
    };

    private static int? Compare(V1NodeSelectorRequirement requirement, string? value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var have)
        && long.TryParse(requirement.Values?.FirstOrDefault(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var limit)
            ? have.CompareTo(limit) : null;
}
