using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Volumes;

/// <summary>Makes the claims of generic ephemeral volumes: they are the pod's and go with it.</summary>
internal sealed class EphemeralClaimReconciler : IReconciler<V1Pod, V1PodStatus>
{
    /// <summary>The claims that a pod uses, its ephemeral ones too.</summary>
    public static IEnumerable<string> ClaimsOf(V1Pod pod) => (pod.Spec?.Volumes ?? [])
        .Select(v => v.PersistentVolumeClaim?.ClaimName ?? (v.Ephemeral is null ? null : NameOf(pod, v))).OfType<string>();

    public Plan<V1PodStatus> Reconcile(V1Pod resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null || PodStates.IsTerminal(resource))
        {
            return new(null);
        }

        var wanted = (resource.Spec.Volumes ?? []).Where(v => v.Ephemeral?.VolumeClaimTemplate is not null);
        return new(null)
        {
            Steps =
            [
                .. wanted.Where(v => view.Get<V1PersistentVolumeClaim>(resource.Metadata.NamespaceProperty, NameOf(resource, v)) is null)
                    .Select(v => PlanStep.Create(ClaimFor(resource, v))),
            ],
        };
    }

    private static string NameOf(V1Pod pod, V1Volume volume) => $"{pod.Metadata.Name}-{volume.Name}";

    private static V1PersistentVolumeClaim ClaimFor(V1Pod pod, V1Volume volume)
    {
        var template = volume.Ephemeral.VolumeClaimTemplate;
        return new V1PersistentVolumeClaim
        {
            ApiVersion = "v1",
            Kind = "PersistentVolumeClaim",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = pod.Metadata.NamespaceProperty,
                Name = NameOf(pod, volume),
                Labels = template.Metadata?.Labels,
                Annotations = template.Metadata?.Annotations,
                OwnerReferences = [Ownership.ReferenceTo("v1", "Pod", pod.Metadata)],
            },
            Spec = template.Spec,
        };
    }
}
