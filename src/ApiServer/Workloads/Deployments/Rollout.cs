using k8s.Models;

namespace Knet.ApiServer.Workloads.Deployments;

/// <summary>What a Deployment has: the newest ReplicaSet (if it exists) and the old ones, oldest first.</summary>
internal sealed record Rollout(V1Deployment Deployment, V1ReplicaSet? Newest, IReadOnlyList<V1ReplicaSet> Old)
{
    public int Wanted => RolloutMath.Replicas(Deployment);
    public IEnumerable<V1ReplicaSet> All => Newest is null ? Old : Old.Append(Newest);

    /// <summary>
    /// The size that each ReplicaSet should have now, for those whose size is to change. As Kubernetes one thing at a time: first follow
    /// a new number of replicas, else let the newest grow, else let the old shrink.
    /// </summary>
    public IReadOnlyDictionary<V1ReplicaSet, int> Sizes()
    {
        if (Deployment.Spec.Paused == true || WasScaled())
        {
            return Changed(Proportional());
        }

        return RolloutMath.IsRolling(Deployment) ? RollingSizes() : RecreateSizes();
    }

    // A set that was made smaller a moment ago still reports the pods that are to go: they do not count.
    private static int Available(V1ReplicaSet set) => Math.Min(RolloutSets.Size(set), set.Status?.AvailableReplicas ?? 0);

    // Which ReplicaSets have pods to spread a change over.
    private List<V1ReplicaSet> Active => [.. All.Where(s => RolloutSets.Size(s) > 0)];

    private bool WasScaled() => Active.Any(s => RolloutSets.SizesDiffer(Deployment, s));

    private static Dictionary<V1ReplicaSet, int> Changed(Dictionary<V1ReplicaSet, int> sizes) =>
        sizes.Where(s => RolloutSets.Size(s.Key) != s.Value).ToDictionary();

    private Dictionary<V1ReplicaSet, int> RollingSizes()
    {
        var all = All.Sum(RolloutSets.Size);
        if (Newest is not null)
        {
            var current = RolloutSets.Size(Newest);
            var grown = current > Wanted ? Wanted : RolloutMath.NewReplicas(Deployment, current, all);
            if (grown != current)
            {
                return new() { [Newest] = grown };
            }
        }

        return ShrinkOld(all);
    }

    private Dictionary<V1ReplicaSet, int> ShrinkOld(int all)
    {
        var sizes = Old.ToDictionary(s => s, RolloutSets.Size);
        var minAvailable = Wanted - RolloutMath.MaxUnavailable(Deployment);
        var newUnavailable = Newest is null ? 0 : RolloutSets.Size(Newest) - Available(Newest);
        var most = all - minAvailable - newUnavailable;
        if (most <= 0)
        {
            return [];
        }

        // 1. Pods that are not available anyway go first.
        var cleaned = 0;
        foreach (var set in Old)
        {
            var unhealthy = Math.Max(0, sizes[set] - Available(set));
            var less = Math.Min(most - cleaned, unhealthy);
            sizes[set] -= less;
            cleaned += less;
        }

        // 2. Then as many available ones as are above the minimum.
        var spare = Math.Min(most - cleaned, All.Sum(Available) - minAvailable);
        foreach (var set in Old)
        {
            var less = Math.Min(Math.Max(0, spare), sizes[set]);
            sizes[set] -= less;
            spare -= less;
        }

        return Changed(sizes);
    }

    // Old pods must be gone before the newest may have any: the caller knows whether pods still run.
    private Dictionary<V1ReplicaSet, int> RecreateSizes()
    {
        var sizes = Old.ToDictionary(s => s, _ => 0);
        if (Newest is not null && Old.All(s => RolloutSets.Size(s) == 0 && (s.Status?.Replicas ?? 0) == 0))
        {
            sizes[Newest] = Wanted;
        }

        return Changed(sizes);
    }

    /// <summary>A change of replicas while several ReplicaSets have pods is spread over them by their share, larger ones first.</summary>
    private Dictionary<V1ReplicaSet, int> Proportional()
    {
        var active = Active;
        var single = active.Count switch { 0 => Newest ?? (Old.Count > 0 ? Old[^1] : null), 1 => active[0], _ => null };
        if (single is not null || active.Count == 0)
        {
            return single is null ? [] : new() { [single] = Wanted };
        }

        // The newest is complete: the old ones have only to go.
        if (Newest is not null && RolloutSets.Size(Newest) == Wanted && (Newest.Status?.AvailableReplicas ?? 0) == Wanted)
        {
            return active.Where(s => s != Newest).ToDictionary(s => s, _ => 0);
        }

        if (!RolloutMath.IsRolling(Deployment))
        {
            return [];
        }

        var total = active.Sum(RolloutSets.Size);
        var allowed = Wanted > 0 ? Wanted + RolloutMath.MaxSurge(Deployment) : 0;
        var left = allowed - total;
        var sizes = new Dictionary<V1ReplicaSet, int>();
        foreach (var set in active.OrderByDescending(RolloutSets.Size).ThenByDescending(s => s.Metadata.CreationTimestamp))
        {
            var size = RolloutSets.Size(set);
            var share = (int)Math.Round((double)size * allowed / total, MidpointRounding.AwayFromZero) - size;
            share = left > 0 ? Math.Clamp(share, 0, left) : Math.Clamp(share, left, 0);
            sizes[set] = size + share;
            left -= share;
        }

        var largest = sizes.Keys.First();
        sizes[largest] = Math.Max(0, sizes[largest] + left);
        return sizes;
    }
}
