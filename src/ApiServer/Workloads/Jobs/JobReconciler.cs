using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>Runs a Job's pods until enough have succeeded or too many have failed.</summary>
/// <remarks>
/// A Job ends in two steps, as in Kubernetes 1.31 and later: <c>SuccessCriteriaMet</c> or <c>FailureTarget</c> when the outcome is certain,
/// <c>Complete</c> or <c>Failed</c> when its last pod has ended and is counted.
/// </remarks>
internal sealed class JobReconciler : IReconciler<V1Job, V1JobStatus>
{
    private const string ManagedHere = "kubernetes.io/job-controller";

    public Plan<V1JobStatus> Reconcile(V1Job resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null || resource.Spec.ManagedBy is not (null or ManagedHere))
        {
            return new(null);
        }

        var reference = Ownership.ReferenceTo("batch/v1", "Job", resource.Metadata);
        var (pods, claims) = Ownership.Claim<V1Pod>(view, reference, resource.Metadata, resource.Spec.Selector);
        return JobConditions.IsFinished(resource)
            ? AfterEnd(resource, pods, view.Now)
            : new JobRound(resource, reference, pods, view.Now).Plan([.. claims]);
    }

    /// <summary>The Event of a failed step, as kubectl describe shows it.</summary>
    public static PlanEvent? FailureEvent(PlanStep step, KubeException error) => step switch
    {
        CreateStep => new PlanEvent("Warning", "FailedCreate", $"Error creating: {error.Message}"),
        DeleteStep => new PlanEvent("Warning", "FailedDelete", $"Error deleting: {error.Message}"),
        _ => null,
    };

    private static Plan<V1JobStatus> AfterEnd(V1Job job, List<V1Pod> pods, DateTimeOffset now)
    {
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        steps.AddRange(pods.Where(JobPods.IsHeld).Select(JobPods.Release));
        steps.AddRange(pods.Where(PodStates.IsActive).Select(p => PlanStep.Delete(p)));
        if (job.Spec.TtlSecondsAfterFinished is not { } ttl)
        {
            return new(null) { Steps = steps.ToImmutable() };
        }

        var ended = (JobConditions.Find(job, JobConditions.Complete) ?? JobConditions.Find(job, JobConditions.Failed))?.LastTransitionTime;
        var left = (ended ?? now.UtcDateTime).AddSeconds(ttl) - now.UtcDateTime;
        if (left <= TimeSpan.Zero)
        {
            steps.Add(PlanStep.Delete(job, "Foreground"));
        }

        return new(null) { Steps = steps.ToImmutable(), RequeueAfter = left > TimeSpan.Zero ? left : null };
    }
}
