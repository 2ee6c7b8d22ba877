using k8s.Models;

namespace Knet.ApiServer.Workloads.Deployments;

/// <summary>The status of a Deployment: counts from its ReplicaSets, and conditions in Kubernetes' words.</summary>
internal static class DeploymentConditions
{
    public const string NewReplicaSetAvailable = "NewReplicaSetAvailable";
    public const string ProgressDeadlineExceeded = "ProgressDeadlineExceeded";

    public static V1DeploymentStatus Counts(Rollout rollout)
    {
        var deployment = rollout.Deployment;
        var sets = rollout.All.ToList();
        var available = sets.Sum(s => s.Status?.AvailableReplicas ?? 0);
        return new V1DeploymentStatus
        {
            ObservedGeneration = deployment.Metadata.Generation,
            Replicas = Some(sets.Sum(s => s.Status?.Replicas ?? 0)),
            UpdatedReplicas = Some(rollout.Newest?.Status?.Replicas ?? 0),
            ReadyReplicas = Some(sets.Sum(s => s.Status?.ReadyReplicas ?? 0)),
            AvailableReplicas = Some(available),
            UnavailableReplicas = Some(Math.Max(0, sets.Sum(RolloutSets.Size) - available)),
            CollisionCount = deployment.Status?.CollisionCount,
        };
    }

    public static V1DeploymentCondition? Find(V1DeploymentStatus? status, string type) =>
        status?.Conditions?.FirstOrDefault(c => c.Type == type);

    /// <summary>Whether all pods wanted are of the newest template, available, and nothing else is there.</summary>
    public static bool IsComplete(V1Deployment deployment, V1DeploymentStatus status)
    {
        var wanted = RolloutMath.Replicas(deployment);
        return (status.UpdatedReplicas ?? 0) == wanted && (status.Replicas ?? 0) == wanted && (status.AvailableReplicas ?? 0) == wanted
            && status.ObservedGeneration >= deployment.Metadata.Generation;
    }

    public static V1DeploymentCondition Available(V1Deployment deployment, V1DeploymentStatus counts) =>
        (counts.AvailableReplicas ?? 0) >= RolloutMath.Replicas(deployment) - RolloutMath.MaxUnavailable(deployment)
            ? New("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
            : New("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");

    /// <summary>How the rollout goes on; null when there is no deadline to judge it by.</summary>
    public static V1DeploymentCondition? Progressing(Rollout rollout, V1DeploymentStatus counts, string newestName, bool creating,
        DateTime now)
    {
        var deployment = rollout.Deployment;
        var old = deployment.Status;
        var known = Find(old, "Progressing");
        if (!HasDeadline(deployment))
        {
            return null;
        }

        if (deployment.Spec.Paused == true)
        {
            return known?.Reason is ProgressDeadlineExceeded ? known
                : New("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
        }

        if (known?.Reason == "DeploymentPaused")
        {
            known = New("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed") with
            {
                LastUpdateTime = now,
                LastTransitionTime = now,
            };
        }

        if (creating)
        {
            return New("Progressing", "True", "NewReplicaSetCreated", $"Created new replica set \"{newestName}\"") with
            {
                LastUpdateTime = now,
            };
        }

        known ??= New("Progressing", "True", "FoundNewReplicaSet", $"Found new replica set \"{newestName}\"");

        // Complete and known to be so: later trouble with pods is no failed rollout.
        if ((counts.Replicas ?? 0) == (counts.UpdatedReplicas ?? 0) && known.Reason == NewReplicaSetAvailable)
        {
            return known;
        }

        if (IsComplete(deployment, counts))
        {
            return New("Progressing", "True", NewReplicaSetAvailable, $"ReplicaSet \"{newestName}\" has successfully progressed.") with
            {
                LastUpdateTime = now,
            };
        }

        if (Progressed(old, counts))
        {
            return New("Progressing", "True", "ReplicaSetUpdated", $"ReplicaSet \"{newestName}\" is progressing.") with
            {
                LastUpdateTime = now,
            };
        }

        return DeadlineLeft(deployment, known, now) <= TimeSpan.Zero && known.Reason != ProgressDeadlineExceeded
            ? New("Progressing", "False", ProgressDeadlineExceeded, $"ReplicaSet \"{newestName}\" has timed out progressing.")
            : known;
    }

    /// <summary>Until the rollout counts as stuck.</summary>
    public static TimeSpan DeadlineLeft(V1Deployment deployment, V1DeploymentCondition progressing, DateTime now) =>
        (progressing.LastUpdateTime ?? now) + TimeSpan.FromSeconds(deployment.Spec.ProgressDeadlineSeconds ?? 600) - now;

    /// <summary>No deadline is written as the largest number.</summary>
    public static bool HasDeadline(V1Deployment deployment) => deployment.Spec.ProgressDeadlineSeconds is not int.MaxValue;

    /// <summary>A ReplicaSet's failure to make pods, as the Deployment's own condition; null when none failed.</summary>
    public static V1DeploymentCondition? ReplicaFailure(Rollout rollout)
    {
        var sets = rollout.Newest is null ? rollout.Old : rollout.Old.Prepend(rollout.Newest);
        var failure = sets.Select(s => s.Status?.Conditions?.FirstOrDefault(c => c.Type == "ReplicaFailure"))
            .FirstOrDefault(c => c is not null);
        return failure is null ? null : New("ReplicaFailure", failure.Status, failure.Reason ?? "", failure.Message ?? "");
    }

    /// <summary>The status with these conditions; times move only where status (or, for updates, anything) changed.</summary>
    public static V1DeploymentStatus With(V1Deployment deployment, V1DeploymentStatus counts, DateTime now,
        params V1DeploymentCondition?[] conditions)
    {
        var merged = new List<V1DeploymentCondition>();
        foreach (var condition in conditions)
        {
            if (condition is null)
            {
                continue;
            }

            var known = Find(deployment.Status, condition.Type);
            var same = known is not null && known.Status == condition.Status;
            merged.Add(same && known!.Reason == condition.Reason && known.Message == condition.Message && condition.LastUpdateTime is null
                ? known
                : condition with
                {
                    LastUpdateTime = condition.LastUpdateTime ?? now,
                    LastTransitionTime = same ? known!.LastTransitionTime : condition.LastTransitionTime ?? now,
                });
        }

        return counts with { Conditions = merged };
    }

    public static V1DeploymentCondition New(string type, string status, string reason, string message) =>
        new() { Type = type, Status = status, Reason = reason, Message = message };

    private static bool Progressed(V1DeploymentStatus? old, V1DeploymentStatus now) =>
        (now.UpdatedReplicas ?? 0) > (old?.UpdatedReplicas ?? 0)
        || (now.Replicas ?? 0) - (now.UpdatedReplicas ?? 0) < (old?.Replicas ?? 0) - (old?.UpdatedReplicas ?? 0)
        || (now.ReadyReplicas ?? 0) > (old?.ReadyReplicas ?? 0)
        || (now.AvailableReplicas ?? 0) > (old?.AvailableReplicas ?? 0);

    private static int? Some(int count) => count == 0 ? null : count;
}
