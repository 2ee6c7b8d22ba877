using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;

namespace Knet.Serving.Revisions;

/// <summary>What a Revision reports of its Deployment, its pods and its PodAutoscaler (serving.md 8.1).</summary>
internal static class RevisionHealth
{
    private const string ScaleTargetInitialized = "ScaleTargetInitialized";

    public static RevisionStatus OfDeployment(RevisionStatus status, V1Deployment deployment, IView view, DeploymentConfig config)
    {
        var result = Conditions(status, deployment.Status?.Conditions);
        var isWanted = (deployment.Spec.Replicas ?? 0) > 0;
        if (isWanted && (deployment.Status?.AvailableReplicas ?? 0) == 0)
        {
            var label = deployment.Spec.Selector.MatchLabels.First();
            var pods = view.Labelled<V1Pod>(deployment.Metadata.NamespaceProperty, label.Key, label.Value);
            if (pods.Count > 0)
            {
                // They come from one template: if one cannot start, none can. One that was refused says why; its successor does not yet.
                var telling = pods.FirstOrDefault(IsRejected) ?? pods[0];
                result = OfPod(result, telling, HasTimedOut(deployment), config.PodIsAlwaysSchedulable);
            }
        }

        return (deployment.Status?.ReadyReplicas ?? 0) > 0 ? result.True(RevisionStatus.ContainerHealthy) : result;
    }

    public static RevisionStatus OfAutoscaler(RevisionStatus status, PodAutoscalerStatus scaler)
    {
        var isUnavailable = status.Is(RevisionStatus.ResourcesAvailable, ConditionSet.False);
        var ready = ConditionSet.Find(scaler.Conditions, ConditionSet.Ready);
        var isInitialized = ConditionSet.IsTrue(scaler.Conditions, ScaleTargetInitialized);
        var hasService = !string.IsNullOrEmpty(scaler.ServiceName);
        var result = status with
        {
            ActualReplicas = scaler.ActualScale >= 0 ? scaler.ActualScale : null,
            DesiredReplicas = scaler.DesiredScale >= 0 ? scaler.DesiredScale : null,
        };
        if (ready is null)
        {
            result = result.Unknown(RevisionStatus.Active, RevisionStatus.Deploying);
            return isUnavailable ? result : Deploying(result);
        }

        if (isInitialized && !isUnavailable)
        {
            result = result.True(RevisionStatus.ResourcesAvailable).True(RevisionStatus.ContainerHealthy);
        }

        if (result.Is(RevisionStatus.ResourcesAvailable, ConditionSet.True) && (!hasService || !isInitialized))
        {
            result = Deploying(result);
        }

        switch (ready.Status)
        {
            case ConditionSet.True:
                return result.True(RevisionStatus.Active);
            case ConditionSet.False:
                if (!isInitialized && !isUnavailable && hasService)
                {
                    result = result.False(
                        RevisionStatus.ResourcesAvailable, RevisionStatus.ProgressDeadlineExceeded, "Initial scale was never achieved");
                }

                return result.False(RevisionStatus.Active, ready.Reason, ready.Message);
            default:
                return result.Unknown(RevisionStatus.Active, ready.Reason, ready.Message);
        }
    }

    // What keeps a pod waiting (a pull that fails, say) is the best message there is until something is decided.
    private static RevisionStatus Deploying(RevisionStatus status)
    {
        var known = status.Condition(RevisionStatus.ResourcesAvailable);
        var message = known is { Status: ConditionSet.Unknown, Reason: RevisionStatus.Deploying } ? known.Message : null;
        return status.Unknown(RevisionStatus.ResourcesAvailable, RevisionStatus.Deploying, message);
    }

    private static RevisionStatus Conditions(RevisionStatus status, IList<V1DeploymentCondition>? conditions)
    {
        V1DeploymentCondition? Find(string type) => conditions?.FirstOrDefault(c => c.Type == type);

        var progressing = Find("Progressing");
        if (progressing?.Status == ConditionSet.False)
        {
            return status.False(RevisionStatus.ResourcesAvailable, progressing.Reason, progressing.Message);
        }

        if (Find("ReplicaFailure") is { Status: ConditionSet.True } failure)
        {
            return status.False(RevisionStatus.ResourcesAvailable, failure.Reason, failure.Message);
        }

        return progressing?.Status == ConditionSet.True
            ? status.True(RevisionStatus.ResourcesAvailable)
            : status.Unknown(RevisionStatus.ResourcesAvailable, progressing?.Reason ?? RevisionStatus.Deploying, progressing?.Message);
    }

    private static bool HasTimedOut(V1Deployment deployment) => deployment.Status?.Conditions?.Any(c =>
        c.Type == "Progressing" && c.Status == ConditionSet.False && c.Reason == RevisionStatus.ProgressDeadlineExceeded) == true;

    // The words of a kubelet that does not take a pod at all; no time mends that.
    private static bool IsRejected(V1Pod pod) =>
        pod.Status is { Phase: "Failed", Message: { } message } && message.StartsWith("Pod was rejected: ", StringComparison.Ordinal);

    private static RevisionStatus OfPod(RevisionStatus status, V1Pod pod, bool hasTimedOut, bool isAlwaysSchedulable)
    {
        var result = status;
        var unscheduled = pod.Status?.Conditions?.FirstOrDefault(c => c.Type == "PodScheduled" && c.Status == ConditionSet.False);
        if (unscheduled is not null && !isAlwaysSchedulable)
        {
            result = result.False(RevisionStatus.ResourcesAvailable, unscheduled.Reason, unscheduled.Message);
        }

        if (IsRejected(pod))
        {
            return result.False(RevisionStatus.ResourcesAvailable, pod.Status!.Reason, pod.Status.Message);
        }

        foreach (var container in (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []))
        {
            if (container.Name == QueueProxyContainer.Name)
            {
                continue;
            }

            if (container.LastState?.Terminated is { } end)
            {
                return result.ContainerExited(end.ExitCode, end.Message, end.Reason);
            }

            if (container.State?.Waiting is { } waiting && waiting.Reason is not ("ContainerCreating" or "PodInitializing"))
            {
                if (hasTimedOut || NeedsTheUser(waiting.Reason))
                {
                    return result.False(RevisionStatus.ResourcesAvailable, StableReason(waiting.Reason), Cause(waiting));
                }

                var cause = string.IsNullOrEmpty(waiting.Message) ? waiting.Reason : $"{waiting.Reason}: {waiting.Message}";
                return result.Is(RevisionStatus.ResourcesAvailable, ConditionSet.False)
                    ? result
                    : result.Unknown(RevisionStatus.ResourcesAvailable, RevisionStatus.Deploying, cause);
            }
        }

        return result;
    }

    // Time alone mends none of these: an image nobody has, a ConfigMap that does not exist. Upstream waits for the progress deadline (ten
    // minutes) before it says so; here the condition is False at once, and True as soon as the cause is gone.
    private static bool NeedsTheUser(string? reason) => reason is "ErrImagePull" or "ImagePullBackOff" or "ErrImageNeverPull"
        or "InvalidImageName" or "CreateContainerConfigError" or "CreateContainerError" or "RunContainerError";

    // A failing pull alternates between trying and waiting to try again; a status that follows would be written without end.
    private static string? StableReason(string? reason) => reason == "ErrImagePull" ? "ImagePullBackOff" : reason;

    private static string? Cause(V1ContainerStateWaiting waiting)
    {
        const string Prefix = "ErrImagePull: ";
        var message = waiting.Message ?? "";
        var at = waiting.Reason == "ImagePullBackOff" ? message.IndexOf(Prefix, StringComparison.Ordinal) : -1;
        return at < 0 ? waiting.Message : message[(at + Prefix.Length)..];
    }
}
