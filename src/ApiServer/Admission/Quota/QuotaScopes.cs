using k8s.Models;

namespace Knet.ApiServer.Admission.Quota;

/// <summary>Which objects a quota is about.</summary>
internal static class QuotaScopes
{
    /// <summary>The scopes by their names in <c>spec.scopes</c>.</summary>
    public static readonly IReadOnlyList<string> Names =
        ["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"];

    /// <summary>Whether the quota counts the object. A quota with scopes counts pods only.</summary>
    public static bool Matches(V1ResourceQuotaSpec spec, V1Pod? pod)
    {
        var scopes = spec.Scopes ?? [];
        var expressions = spec.ScopeSelector?.MatchExpressions ?? [];
        return (scopes.Count == 0 && expressions.Count == 0)
            || (pod is not null && scopes.All(scope => Has(pod, scope)) && expressions.All(e => Matches(pod, e)));
    }

    private static bool Matches(V1Pod pod, V1ScopedResourceSelectorRequirement wanted)
    {
        if (wanted.ScopeName != "PriorityClass")
        {
            return Has(pod, wanted.ScopeName);
        }

        var name = pod.Spec.PriorityClassName ?? "";
        return wanted.OperatorProperty switch
        {
            "Exists" => name.Length > 0,
            "DoesNotExist" => name.Length == 0,
            "In" => wanted.Values?.Contains(name) == true,
            "NotIn" => wanted.Values?.Contains(name) != true,
            _ => false,
        };
    }

    private static bool Has(V1Pod pod, string scope) => scope switch
    {
        "Terminating" => pod.Spec.ActiveDeadlineSeconds >= 0,
        "NotTerminating" => pod.Spec.ActiveDeadlineSeconds is null,
        "BestEffort" => pod.Status?.QosClass == "BestEffort",
        "NotBestEffort" => pod.Status?.QosClass != "BestEffort",
        "PriorityClass" => !string.IsNullOrEmpty(pod.Spec.PriorityClassName),
        "CrossNamespacePodAffinity" => CrossesNamespaces(pod.Spec.Affinity),
        _ => false,
    };

    private static bool CrossesNamespaces(V1Affinity? affinity)
    {
        IEnumerable<V1PodAffinityTerm> terms =
        [
            .. affinity?.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? [],
            .. affinity?.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution ?? [],
            .. (affinity?.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(t => t.PodAffinityTerm),
            .. (affinity?.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(t => t.PodAffinityTerm),
        ];
        return terms.Any(t => t.Namespaces is { Count: > 0 } || t.NamespaceSelector is not null);
    }
}
