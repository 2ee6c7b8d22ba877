using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Deployments;

/// <summary>Rolls the pods of a Deployment from one template to the next through ReplicaSets, one per template.</summary>
/// <remarks>On the cold path a change of replicas is one write: the size of the one ReplicaSet that has (or shall have) pods.</remarks>
internal sealed class DeploymentReconciler : IReconciler<V1Deployment, V1DeploymentStatus>
{
    public Plan<V1DeploymentStatus> Reconcile(V1Deployment resource, IView view)
    {
        var now = new DateTime(view.Now.UtcTicks - (view.Now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc);
        var reference = Ownership.ReferenceTo("apps/v1", "Deployment", resource.Metadata);
        var (sets, claims) = Ownership.Claim<V1ReplicaSet>(view, reference, resource.Metadata, resource.Spec.Selector);
        var hash = RolloutSets.HashOf(resource);
        var newest = RolloutSets.FindNewest(resource, hash, sets);
        var old = sets.Where(s => s != newest).OrderBy(s => s.Metadata.CreationTimestamp)
            .ThenBy(s => s.Metadata.Name, StringComparer.Ordinal);
        var rollout = new Rollout(resource, newest, [.. old]);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        var events = ImmutableArray.CreateBuilder<PlanEvent>();
        steps.AddRange(claims);
        var created = resource.Metadata.DeletionTimestamp is null ? Write(rollout, hash, view, steps, events) : null;

        var newestName = newest?.Metadata.Name ?? created?.Metadata.Name ?? "";
        var counts = DeploymentConditions.Counts(rollout);
        var progressing = resource.Metadata.DeletionTimestamp is null
            ? DeploymentConditions.Progressing(rollout, counts, newestName, created is not null, now)
            : DeploymentConditions.Find(resource.Status, "Progressing");
        var status = DeploymentConditions.With(
            resource, counts, now, DeploymentConditions.Available(resource, counts), progressing,
                DeploymentConditions.ReplicaFailure(rollout));
        return new(status)
        {
            Steps = steps.ToImmutable(),
            Events = events.ToImmutable(),
            RequeueAfter = Deadline(resource, status, now),
            OnFailure = (step, error) => Failed(resource, status, step, error, now),
        };
    }

    /// <summary>The writes in Kubernetes' order; the ReplicaSet that is created, if one is.</summary>
    private static V1ReplicaSet? Write(
        Rollout rollout, string hash, IView view, ImmutableArray<PlanStep>.Builder steps, ImmutableArray<PlanEvent>.Builder events)
    {
        var deployment = rollout.Deployment;
        var revision = rollout.Old.Select(s => RolloutSets.RevisionOf(s.Metadata)).DefaultIfEmpty(0).Max() + 1;
        V1ReplicaSet? created = null;
        var paused = deployment.Spec.Paused == true;

        // 1. Sizes first: they are what somebody waits for.
        if (rollout.Newest is null && !paused && MayCreate(rollout, view))
        {
            var replicas = RolloutMath.NewReplicas(deployment, 0, rollout.Old.Sum(RolloutSets.Size));
            created = RolloutSets.Create(deployment, hash, replicas, revision);
            steps.Add(PlanStep.Create(created));
            events.Add(Scaled("up", created.Metadata.Name, 0, replicas));
        }
        else
        {
            var sizes = rollout.Sizes();
            if (!RolloutMath.IsRolling(deployment) && rollout.Newest is { } newest && sizes.ContainsKey(newest)
                && !MayCreate(rollout, view))
            {
                sizes = sizes.Where(s => s.Key != newest).ToDictionary();
            }

            foreach (var (set, size) in sizes)
            {
                steps.Add(RolloutSets.Scale(deployment, set, size));
                events.Add(Scaled(size > RolloutSets.Size(set) ? "up" : "down", set.Metadata.Name, RolloutSets.Size(set), size));
            }
        }

        // 2. What is annotated.
        if (!paused && rollout.Newest is { } known)
        {
            revision = Math.Max(revision, RolloutSets.RevisionOf(known.Metadata));
            AddIf(steps, RolloutSets.Renew(deployment, known, revision));
        }

        if (!paused && (rollout.Newest is not null || created is not null))
        {
            AddIf(steps, RolloutSets.Number(deployment, revision));
        }

        // 3. Old ReplicaSets beyond the history.
        steps.AddRange(Outdated(rollout).Select(set => PlanStep.Delete(set)));
        return created;
    }

    // Recreate waits until no pod of another template is left; RollingUpdate does not.
    private static bool MayCreate(Rollout rollout, IView view) =>
        RolloutMath.IsRolling(rollout.Deployment)
        || rollout.Old.All(set => RolloutSets.Size(set) == 0 && view.Owned<V1Pod>(set.Metadata).All(PodStates.IsTerminal));

    private static IEnumerable<V1ReplicaSet> Outdated(Rollout rollout)
    {
        var limit = rollout.Deployment.Spec.RevisionHistoryLimit ?? 10;
        if (limit == int.MaxValue || !DeploymentConditions.IsComplete(rollout.Deployment, DeploymentConditions.Counts(rollout)))
        {
            return [];
        }

        var history = rollout.Old.Where(s => s.Metadata.DeletionTimestamp is null).OrderBy(s => RolloutSets.RevisionOf(s.Metadata))
            .ToList();
        return history.Take(Math.Max(0, history.Count - limit)).Where(set =>
            RolloutSets.Size(set) == 0 && (set.Status?.Replicas ?? 0) == 0
                && set.Metadata.Generation <= (set.Status?.ObservedGeneration ?? 0));
    }

    private static TimeSpan? Deadline(V1Deployment deployment, V1DeploymentStatus status, DateTime now)
    {
        var progressing = DeploymentConditions.Find(status, "Progressing");
        return progressing is { Status: not "False", Reason: not DeploymentConditions.NewReplicaSetAvailable }
            && deployment.Spec.Paused != true
            ? DeploymentConditions.DeadlineLeft(deployment, progressing, now) + TimeSpan.FromSeconds(1)
            : null;
    }

    private static V1DeploymentStatus Failed(
        V1Deployment deployment, V1DeploymentStatus status, PlanStep step, KubeException error, DateTime now)
    {
        if (step is not CreateStep)
        {
            return status;
        }

        // Another template with the same hash: the next try hashes with one more.
        if (error.IsAlreadyExists)
        {
            return status with { CollisionCount = (status.CollisionCount ?? 0) + 1 };
        }

        var failure = DeploymentConditions.New("Progressing", "False", "ReplicaSetCreateError", error.Message);
        return DeploymentConditions.With(
            deployment, status, now, [.. (status.Conditions ?? []).Select(c => c.Type == "Progressing" ? failure : c)]);
    }

    private static PlanEvent Scaled(string direction, string name, int from, int to) =>
        new("Normal", "ScalingReplicaSet", $"Scaled {direction} replica set {name} from {from} to {to}");

    private static void AddIf(ImmutableArray<PlanStep>.Builder steps, PlanStep? step)
    {
        if (step is not null)
        {
            steps.Add(step);
        }
    }
}
