using System.Globalization;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Disruptions;

/// <summary>Says how many of a budget's pods may be evicted now.</summary>
internal sealed class DisruptionReconciler : IReconciler<V1PodDisruptionBudget, V1PodDisruptionBudgetStatus>
{
    // An eviction that was allowed counts as a disruption until its pod goes; when it does not within this time, it never began.
    private static readonly TimeSpan Pending = TimeSpan.FromMinutes(2);

    public Plan<V1PodDisruptionBudgetStatus> Reconcile(V1PodDisruptionBudget resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null);
        }

        var pods = Pods(resource, view);
        var disrupted = StillDisrupted(resource, pods, view.Now, out var lookAgain);
        var healthy = pods.Count(p => PodStates.IsReady(p) && p.Metadata.DeletionTimestamp is null && !disrupted.ContainsKey(p.Metadata.Name));
        var (expected, desired) = Expected(resource.Spec, pods, view);
        var allowed = expected > 0 ? Math.Max(0, healthy - desired) : 0;
        var status = new V1PodDisruptionBudgetStatus
        {
            CurrentHealthy = healthy,
            DesiredHealthy = desired,
            ExpectedPods = expected,
            DisruptionsAllowed = allowed,
            DisruptedPods = disrupted.Count == 0 ? null : disrupted,
            ObservedGeneration = resource.Metadata.Generation,
            Conditions = [Condition(resource, allowed > 0, view.Now)],
        };
        return new(status) { RequeueAfter = lookAgain };
    }

    private static List<V1Pod> Pods(V1PodDisruptionBudget budget, IView view) =>
        [.. view.All<V1Pod>(budget.Metadata.NamespaceProperty)
            .Where(p => !PodStates.IsTerminal(p) && DisruptionBudgets.Covers(budget.Spec.Selector, p.Metadata.Labels))];

    private static Dictionary<string, DateTime?> StillDisrupted(
        V1PodDisruptionBudget budget, List<V1Pod> pods, DateTimeOffset now, out TimeSpan? lookAgain)
    {
        lookAgain = null;
        var result = new Dictionary<string, DateTime?>();
        foreach (var (name, at) in budget.Status?.DisruptedPods ?? new Dictionary<string, DateTime?>())
        {
            var left = (at?.ToUniversalTime() ?? DateTime.MinValue) + Pending - now.UtcDateTime;
            if (left > TimeSpan.Zero && pods.Exists(p => p.Metadata.Name == name && p.Metadata.DeletionTimestamp is null))
            {
                result[name] = at;
                lookAgain = lookAgain < left ? lookAgain : left;
            }
        }

        return result;
    }

    /// <summary>How many pods there should be, and how many of them must be healthy.</summary>
    private static (int Expected, int Desired) Expected(V1PodDisruptionBudgetSpec spec, List<V1Pod> pods, IView view)
    {
        if (spec.MaxUnavailable?.Value is { } most)
        {
            var scale = Scale(pods, view);
            return (scale, Math.Max(0, scale - Amount(most, scale)));
        }

        var least = spec.MinAvailable?.Value ?? "1";
        if (!least.EndsWith('%'))
        {
            return (pods.Count, Amount(least, 0));
        }

        var whole = Scale(pods, view);
        return (whole, Amount(least, whole));
    }

    // Percentages are of what the pods' controllers want, rounded up.
    private static int Scale(List<V1Pod> pods, IView view)
    {
        var controllers = new Dictionary<string, int>();
        foreach (var pod in pods)
        {
            if (pod.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true) is { } owner)
            {
                controllers[owner.Uid] = owner.Kind == "ReplicaSet" ? ReplicasOf(view, pod, owner) : controllers.GetValueOrDefault(owner.Uid) + 1;
            }
        }

        return controllers.Values.Sum();
    }

    private static int ReplicasOf(IView view, V1Pod pod, V1OwnerReference owner)
    {
        var ns = pod.Metadata.NamespaceProperty;
        var set = view.Get<V1ReplicaSet>(ns, owner.Name);
        var above = set?.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true && o.Kind == "Deployment");
        return above is not null && view.Get<V1Deployment>(ns, above.Name) is { } deployment
            ? IsNewest(set!, deployment) ? deployment.Spec.Replicas ?? 1 : 0
            : set?.Spec.Replicas ?? 0;
    }

    // A rolling Deployment has pods of several sets: its number counts once.
    private static bool IsNewest(V1ReplicaSet set, V1Deployment deployment) =>
        set.Metadata.Annotations is { } notes && deployment.Metadata.Annotations is { } wanted
        && notes.TryGetValue(WorkloadLabels.Revision, out var mine) && wanted.TryGetValue(WorkloadLabels.Revision, out var newest)
            ? mine == newest
            : true;

    private static int Amount(string value, int of)
    {
        var isPercent = value.EndsWith('%');
        _ = int.TryParse(isPercent ? value[..^1] : value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        return isPercent ? ((of * number) + 99) / 100 : number;
    }

    private static V1Condition Condition(V1PodDisruptionBudget budget, bool allowed, DateTimeOffset now)
    {
        var (status, reason) = allowed ? ("True", "SufficientPods") : ("False", "InsufficientPods");
        var old = budget.Status?.Conditions?.FirstOrDefault(c => c.Type == "DisruptionAllowed");
        return new V1Condition
        {
            Type = "DisruptionAllowed",
            Status = status,
            Reason = reason,
            Message = "",
            ObservedGeneration = budget.Metadata.Generation,
            LastTransitionTime = old?.Status == status && old.LastTransitionTime is { } since
                ? since
                : new DateTime(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc),
        };
    }
}

/// <summary>Whom budgets are about.</summary>
internal static class DisruptionBudgets
{
    /// <summary>policy/v1: a selector without requirements covers every pod of the namespace, none at all covers none.</summary>
    public static bool Covers(V1LabelSelector? selector, IDictionary<string, string>? labels) =>
        selector is not null && ((selector.MatchLabels is not { Count: > 0 } && selector.MatchExpressions is not { Count: > 0 })
            || Selection.Matches(selector, labels));
}
