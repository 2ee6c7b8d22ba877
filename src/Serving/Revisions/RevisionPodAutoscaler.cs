using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>The PodAutoscaler of a Revision (serving.md 8.4).</summary>
internal static class RevisionPodAutoscaler
{
    public static KnPodAutoscaler For(KnRevision revision, RevisionStatus status, V1Deployment? deployment) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = revision.Metadata.Name,
            NamespaceProperty = revision.Metadata.NamespaceProperty,
            Labels = RevisionMeta.Labels(revision),
            Annotations = RevisionMeta.Annotations(revision, withAutoscaling: true),
            OwnerReferences = [Ownership.By(revision)],
        },
        Spec = new PodAutoscalerSpec
        {
            ContainerConcurrency = revision.Spec.ContainerConcurrency ?? 0,
            ScaleTargetRef = new V1ObjectReference
            {
                ApiVersion = "apps/v1", Kind = "Deployment", Name = RevisionMeta.DeploymentName(revision),
            },
            ProtocolType = RevisionMeta.Protocol(revision.Spec),
            Reachability = Reachability(revision, status, deployment),
        },
    };

    public static bool IsUpToDate(KnPodAutoscaler existing, KnPodAutoscaler wanted)
    {
        var (have, want) = (existing.Spec, wanted.Spec);
        return (have.ContainerConcurrency ?? 0) == want.ContainerConcurrency && have.ProtocolType == want.ProtocolType &&
            (have.Reachability ?? "") == (want.Reachability ?? "") && have.ScaleTargetRef?.Name == want.ScaleTargetRef!.Name &&
            Maps.Same(existing.Metadata.Labels, wanted.Metadata.Labels) &&
            Maps.Same(existing.Metadata.Annotations, wanted.Metadata.Annotations);
    }

    private static string? Reachability(KnRevision revision, RevisionStatus status, V1Deployment? deployment)
    {
        var hasFailed = status.Is(RevisionStatus.ResourcesAvailable, ConditionSet.False) ||
            status.Is(RevisionStatus.ContainerHealthy, ConditionSet.False);
        if (hasFailed && deployment?.Spec.Replicas > 0 && (deployment.Status?.ReadyReplicas ?? 0) == 0)
        {
            return "Unreachable";
        }

        return revision.Metadata.Labels.Find(ServingKeys.RoutingState) switch
        {
            ServingKeys.RoutingActive => "Reachable",
            ServingKeys.RoutingReserve => "Unreachable",
            _ => null,
        };
    }
}
