using k8s.Models;

namespace Knet.ApiServer.Workloads.Pods;

/// <summary>Label selectors, as Kubernetes matches them.</summary>
internal static class Selection
{
    private static readonly Dictionary<string, string> NoLabels = [];

    /// <summary>Whether the labels fit. A selector without any requirement fits nothing here: workloads must not own everything.</summary>
    public static bool Matches(V1LabelSelector? selector, IDictionary<string, string>? labels)
    {
        if (selector is null || (selector.MatchLabels is not { Count: > 0 } && selector.MatchExpressions is not { Count: > 0 }))
        {
            return false;
        }

        labels ??= NoLabels;
        return Contains(labels, selector.MatchLabels)
            && (selector.MatchExpressions?.All(e => Fits(e, labels)) ?? true);
    }

    /// <summary>Whether all wanted pairs are among the labels.</summary>
    public static bool Contains(IDictionary<string, string>? labels, IDictionary<string, string>? wanted)
    {
        foreach (var (name, value) in wanted ?? NoLabels)
        {
            if (labels is null || !labels.TryGetValue(name, out var have) || have != value)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The pair to look objects up by: the one that says most, or null when there is none.</summary>
    public static KeyValuePair<string, string>? IndexPair(IDictionary<string, string>? labels)
    {
        if (labels is not { Count: > 0 })
        {
            return null;
        }

        return labels.TryGetValue(WorkloadLabels.PodTemplateHash, out var hash)
            ? new(WorkloadLabels.PodTemplateHash, hash)
            : labels.OrderBy(l => l.Key, StringComparer.Ordinal).First();
    }

    private static bool Fits(V1LabelSelectorRequirement requirement, IDictionary<string, string> labels)
    {
        var has = labels.TryGetValue(requirement.Key, out var value);
        return requirement.OperatorProperty switch
        {
            "In" => has && requirement.Values.Contains(value!),
            "NotIn" => !has || !requirement.Values.Contains(value!),
            "Exists" => has,
            "DoesNotExist" => !has,
            _ => false,
        };
    }
}

/// <summary>Labels and annotations that Kubernetes' workload controllers use.</summary>
internal static class WorkloadLabels
{
    public const string PodTemplateHash = "pod-template-hash";
    public const string Revision = "deployment.kubernetes.io/revision";
    public const string RevisionHistory = "deployment.kubernetes.io/revision-history";
    public const string DesiredReplicas = "deployment.kubernetes.io/desired-replicas";
    public const string MaxReplicas = "deployment.kubernetes.io/max-replicas";
    public const string PodDeletionCost = "controller.kubernetes.io/pod-deletion-cost";
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";
}
