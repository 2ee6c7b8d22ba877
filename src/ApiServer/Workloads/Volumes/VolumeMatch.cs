using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Volumes;

/// <summary>Which volume a claim gets: its own if there is one, else the smallest that fits.</summary>
internal static class VolumeMatch
{
    /// <summary>Whether a volume is reserved for or bound to this very claim.</summary>
    public static bool IsFor(V1PersistentVolume volume, V1PersistentVolumeClaim claim) =>
        volume.Spec.ClaimRef is { } reference && reference.Name == claim.Metadata.Name
        && reference.NamespaceProperty == claim.Metadata.NamespaceProperty
        && (string.IsNullOrEmpty(reference.Uid) || reference.Uid == claim.Metadata.Uid);

    public static V1PersistentVolume? Find(V1PersistentVolumeClaim claim, IReadOnlyList<V1PersistentVolume> volumes)
    {
        var alive = volumes.Where(v => v.Metadata.DeletionTimestamp is null).ToList();
        return alive.Find(v => IsFor(v, claim))
            ?? alive.Where(v => v.Spec.ClaimRef is null && Fits(v, claim)).OrderBy(Size).ThenBy(v => v.Metadata.Name, StringComparer.Ordinal)
                .FirstOrDefault();
    }

    private static bool Fits(V1PersistentVolume volume, V1PersistentVolumeClaim claim) =>
        (volume.Spec.StorageClassName ?? "") == (claim.Spec.StorageClassName ?? "")
        && (volume.Spec.VolumeMode ?? "Filesystem") == (claim.Spec.VolumeMode ?? "Filesystem")
        && (claim.Spec.AccessModes ?? []).All(m => volume.Spec.AccessModes?.Contains(m) == true)
        && (claim.Spec.Selector is not { } selector || Selection.Matches(selector, volume.Metadata.Labels))
        && Size(volume) >= (claim.Spec.Resources?.Requests is { } requests && requests.TryGetValue("storage", out var size) ? size.ToDecimal() : 0);

    private static decimal Size(V1PersistentVolume volume) =>
        volume.Spec.Capacity is { } capacity && capacity.TryGetValue("storage", out var size) ? size.ToDecimal() : 0;
}
