using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.ReplicaSets;

/// <summary>Keeps as many pods of a template as a ReplicaSet asks for.</summary>
/// <remarks>
/// Pods get names that depend on the ReplicaSet's uid and the time of the reconcile, so that the plan can name them in its Events; the
/// executor shows its own creations to the cache at once, so that none is made twice.
/// </remarks>
internal sealed class ReplicaSetReconciler : IReconciler<V1ReplicaSet, V1ReplicaSetStatus>
{
    // Kubernetes' burst limit: more are made at the next reconcile, which the first ones wake.
    private const int BurstReplicas = 500;

    public Plan<V1ReplicaSetStatus> Reconcile(V1ReplicaSet resource, IView view)
    {
        var reference = Ownership.ReferenceTo("apps/v1", "ReplicaSet", resource.Metadata);
        var (pods, claims) = Ownership.Claim<V1Pod>(view, reference, resource.Metadata, resource.Spec.Selector);
        var active = pods.Where(PodStates.IsActive).ToList();
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        var events = ImmutableArray.CreateBuilder<PlanEvent>();
        steps.AddRange(claims);
        var pause = PodStates.PauseAfterRejections(pods, view.Now);
        if (resource.Metadata.DeletionTimestamp is null && (pause is null || active.Count >= (resource.Spec.Replicas ?? 1)))
        {
            Scale(resource, reference, active, view.Now, steps, events);
        }

        var status = Status(resource, active, view.Now, out var lookAgain);
        lookAgain = lookAgain is null || pause < lookAgain ? pause : lookAgain;
        return new(status)
        {
            Steps = steps.ToImmutable(),
            Events = events.ToImmutable(),
            RequeueAfter = lookAgain,
            OnFailure = (step, error) => Failed(resource, status, step, error, view.Now.UtcDateTime),
        };
    }

    /// <summary>The Event of a failed step, as kubectl describe shows it.</summary>
    public static PlanEvent? FailureEvent(PlanStep step, KubeException error) => step switch
    {
        CreateStep => new PlanEvent("Warning", "FailedCreate", $"Error creating: {error.Message}"),
        DeleteStep => new PlanEvent("Warning", "FailedDelete", $"Error deleting: {error.Message}"),
        _ => null,
    };

    private static void Scale(
        V1ReplicaSet set, V1OwnerReference reference, List<V1Pod> active, DateTimeOffset now,
        ImmutableArray<PlanStep>.Builder steps, ImmutableArray<PlanEvent>.Builder events)
    {
        var missing = (set.Spec.Replicas ?? 1) - active.Count;
        for (var i = 0; i < Math.Min(missing, BurstReplicas); i++)
        {
            var pod = NewPod(set, reference, SafeNames.Suffix($"{set.Metadata.Uid}/{now.UtcTicks}/{i}", 5));
            steps.Add(PlanStep.Create(pod));
            events.Add(new PlanEvent("Normal", "SuccessfulCreate", $"Created pod: {pod.Metadata.Name}"));
        }

        if (missing < 0)
        {
            foreach (var pod in DeletionOrder.Sort(active).Take(-missing))
            {
                steps.Add(PlanStep.Delete(pod));
                events.Add(new PlanEvent("Normal", "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}"));
            }
        }
    }

    private static V1Pod NewPod(V1ReplicaSet set, V1OwnerReference reference, string suffix)
    {
        var template = set.Spec.Template;

        // Kubernetes cuts the prefix so that the name stays a valid label value of 63 letters.
        var prefix = set.Metadata.Name.Length > 57 ? set.Metadata.Name[..57] : set.Metadata.Name;
        return new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = set.Metadata.NamespaceProperty,
                Name = $"{prefix}-{suffix}",
                GenerateName = $"{set.Metadata.Name}-",
                Labels = template.Metadata?.Labels,
                Annotations = template.Metadata?.Annotations,
                Finalizers = template.Metadata?.Finalizers,
                OwnerReferences = [reference],
            },
            Spec = template.Spec,
        };
    }

    private static V1ReplicaSetStatus Status(V1ReplicaSet set, List<V1Pod> active, DateTimeOffset now, out TimeSpan? lookAgain)
    {
        var minReady = set.Spec.MinReadySeconds ?? 0;
        var (labelled, ready, available) = (0, 0, 0);
        lookAgain = null;
        foreach (var pod in active)
        {
            labelled += Selection.Contains(pod.Metadata.Labels, set.Spec.Template.Metadata?.Labels) ? 1 : 0;
            if (PodStates.AvailableAt(pod, minReady) is { } at)
            {
                ready++;
                available += at <= now.UtcDateTime ? 1 : 0;
                if (at > now.UtcDateTime && (lookAgain is null || at - now.UtcDateTime < lookAgain))
                {
                    lookAgain = at - now.UtcDateTime;
                }
            }
        }

        return new V1ReplicaSetStatus
        {
            Replicas = active.Count,
            FullyLabeledReplicas = labelled == 0 ? null : labelled,
            ReadyReplicas = ready == 0 ? null : ready,
            AvailableReplicas = available == 0 ? null : available,
            ObservedGeneration = set.Metadata.Generation,
            Conditions = set.Status?.Conditions?.Where(c => c.Type != "ReplicaFailure").ToList() is { Count: > 0 } others ? others : null,
        };
    }

    private static V1ReplicaSetStatus Failed(
        V1ReplicaSet set, V1ReplicaSetStatus status, PlanStep step, KubeException error, DateTime now)
    {
        // As in Kubernetes the first failure stays: later texts differ in the pod's name only, and each would be a write that wakes us.
        if (set.Status?.Conditions?.FirstOrDefault(c => c.Type == "ReplicaFailure") is { } known)
        {
            return status with { Conditions = [.. status.Conditions ?? [], known] };
        }

        var reason = step switch { CreateStep => "FailedCreate", DeleteStep => "FailedDelete", _ => null };
        if (reason is null)
        {
            return status;
        }

        var condition = new V1ReplicaSetCondition
        {
            Type = "ReplicaFailure",
            Status = "True",
            Reason = reason,
            Message = error.Message,
            LastTransitionTime = new DateTime(now.Ticks - (now.Ticks % TimeSpan.TicksPerSecond), DateTimeKind.Utc),
        };
        return status with { Conditions = [.. status.Conditions ?? [], condition] };
    }
}
