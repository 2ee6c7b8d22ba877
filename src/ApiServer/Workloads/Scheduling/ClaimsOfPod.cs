using k8s.Models;

namespace Knet.ApiServer.Workloads.Scheduling;

/// <summary>Whether a pod's persistent volume claims let it start; the texts are the Kubernetes scheduler's.</summary>
internal static class ClaimsOfPod
{
    /// <summary>A claim that was waiting for this pod gets its volume now: nothing is wrong, and nothing is said.</summary>
    public const string BeingBound = "";

    /// <summary>Pure. Null when nothing is in the way.</summary>
    public static string? Check(V1Pod pod, Func<string, V1PersistentVolumeClaim?> find, Func<string, V1StorageClass?> classOf)
    {
        var (immediate, later) = (false, false);
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            var ephemeral = volume.Ephemeral is not null;
            if ((volume.PersistentVolumeClaim?.ClaimName ?? (ephemeral ? $"{pod.Metadata.Name}-{volume.Name}" : null)) is not { } name)
            {
                continue;
            }

            if (find(name) is not { } claim)
            {
                return ephemeral
                    ? $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\""
                    : $"persistentvolumeclaim \"{name}\" not found";
            }

            if (Problem(pod, claim, ephemeral) is { } problem)
            {
                return problem;
            }

            if (string.IsNullOrEmpty(claim.Spec.VolumeName) || claim.Status?.Phase != "Bound")
            {
                var @class = claim.Spec.StorageClassName is { Length: > 0 } className ? classOf(className) : null;
                var waits = @class?.VolumeBindingMode == "WaitForFirstConsumer" && string.IsNullOrEmpty(claim.Spec.VolumeName);
                (immediate, later) = (immediate || !waits, later || waits);
            }
        }

        return immediate ? "pod has unbound immediate PersistentVolumeClaims" : later ? BeingBound : null;
    }

    private static string? Problem(V1Pod pod, V1PersistentVolumeClaim claim, bool ephemeral) => claim switch
    {
        { Status.Phase: "Lost" } =>
            $"persistentvolumeclaim \"{claim.Metadata.Name}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"",
        { Metadata.DeletionTimestamp: not null } => $"persistentvolumeclaim \"{claim.Metadata.Name}\" is being deleted",
        _ when ephemeral && claim.Metadata.OwnerReferences?.Any(o => o.Uid == pod.Metadata.Uid) != true =>
            $"PVC {claim.Metadata.NamespaceProperty}/{claim.Metadata.Name} was not created for pod "
            + $"{pod.Metadata.NamespaceProperty}/{pod.Metadata.Name} (pod is not owner)",
        _ => null,
    };
}
