using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Volumes;

/// <summary>Says in which phase a volume is, and ends those whose claim is gone as their reclaim policy says.</summary>
/// <remarks>The node that has the directory removes it when the volume's object goes; a volume with policy Retain keeps both.</remarks>
internal sealed class VolumeReconciler : IReconciler<V1PersistentVolume, V1PersistentVolumeStatus>
{
    public const string Protection = "kubernetes.io/pv-protection";

    public Plan<V1PersistentVolumeStatus> Reconcile(V1PersistentVolume resource, IView view)
    {
        var claim = resource.Spec.ClaimRef is { Name.Length: > 0 } reference
            ? view.Get<V1PersistentVolumeClaim>(reference.NamespaceProperty, reference.Name)
            : null;
        var isBound = claim is not null && claim.Metadata.Uid == resource.Spec.ClaimRef.Uid;
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null)
            {
                Steps = !isBound && resource.Metadata.Finalizers?.Contains(Protection) == true ? [Finalizer.Remove(resource, Protection)] : [],
            };
        }

        // A reference without a uid reserves the volume for a claim to come.
        var isReleased = !isBound && !string.IsNullOrEmpty(resource.Spec.ClaimRef?.Uid);
        var phase = isBound ? "Bound" : isReleased ? "Released" : "Available";
        var reclaimed = isReleased && resource.Spec.PersistentVolumeReclaimPolicy == "Delete"
            && resource.Metadata.Annotations?.TryGetValue(LocalPathClass.ProvisionedBy, out var by) == true && by == LocalPathClass.Provisioner;
        return new(Status(resource, phase, view.Now)) { Steps = reclaimed ? [PlanStep.Delete(resource)] : [] };
    }

    private static V1PersistentVolumeStatus Status(V1PersistentVolume volume, string phase, DateTimeOffset now) =>
        volume.Status is { } old && old.Phase == phase ? old : new V1PersistentVolumeStatus
        {
            Phase = phase,
            LastPhaseTransitionTime = new DateTime(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc),
        };
}
