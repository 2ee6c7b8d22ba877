using System.Globalization;
using k8s.Models;

namespace Knet.ApiServer.Workloads.Deployments;

/// <summary>How many pods a rolling update may have too many or too few. Percentages round up for surge and down for unavailable.</summary>
internal static class RolloutMath
{
    /// <summary>
    /// Both limits resolved against the replicas. When both come out as zero one pod may be unavailable, or nothing could move.
    /// </summary>
    public static (int Surge, int Unavailable) Limits(V1Deployment deployment)
    {
        var rolling = deployment.Spec.Strategy?.RollingUpdate;
        var replicas = Replicas(deployment);
        var surge = Resolve(rolling?.MaxSurge?.Value ?? "25%", replicas, roundUp: true);
        var unavailable = Resolve(rolling?.MaxUnavailable?.Value ?? "25%", replicas, roundUp: false);
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable);
    }

    public static bool IsRolling(V1Deployment deployment) => deployment.Spec.Strategy?.Type is null or "" or "RollingUpdate";

    public static int Replicas(V1Deployment deployment) => deployment.Spec.Replicas ?? 1;

    public static int MaxSurge(V1Deployment deployment) => IsRolling(deployment) ? Limits(deployment).Surge : 0;

    public static int MaxUnavailable(V1Deployment deployment)
    {
        var replicas = Replicas(deployment);
        return !IsRolling(deployment) || replicas == 0 ? 0 : Math.Min(replicas, Limits(deployment).Unavailable);
    }

    /// <summary>How many replicas the newest ReplicaSet may have now, given what all of them have.</summary>
    public static int NewReplicas(V1Deployment deployment, int current, int all)
    {
        var wanted = Replicas(deployment);
        if (!IsRolling(deployment))
        {
            return wanted;
        }

        var room = wanted + MaxSurge(deployment) - all;
        return room <= 0 ? current : current + Math.Min(room, wanted - current);
    }

    private static int Resolve(string value, int total, bool roundUp)
    {
        if (!value.EndsWith('%'))
        {
            return int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : 0;
        }

        var percent = int.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.Integer, CultureInfo.InvariantCulture, out var p) ? p
            : 0;
        var exact = percent * (long)total / 100.0;
        return (int)(roundUp ? Math.Ceiling(exact) : Math.Floor(exact));
    }
}
