using System.Collections.Immutable;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Volumes;

/// <summary>Gives each claim a volume: one that fits and is free, or a new one of the local-path class.</summary>
/// <param name="where">Null where no node offers directories: then only volumes that somebody made are bound.</param>
internal sealed class ClaimReconciler(LocalVolumes? where) : IReconciler<V1PersistentVolumeClaim, V1PersistentVolumeClaimStatus>
{
    public const string Protection = "kubernetes.io/pvc-protection";

    public Plan<V1PersistentVolumeClaimStatus> Reconcile(V1PersistentVolumeClaim resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null) { Steps = [.. Unprotect(resource, view)] };
        }

        if (resource.Status?.Phase is "Bound" or "Lost")
        {
            return AfterBinding(resource, view);
        }

        if (resource.Spec.VolumeName is { Length: > 0 } wanted)
        {
            return view.Get<V1PersistentVolume>("", wanted) is not { } named ? Wait(resource)
                : VolumeMatch.IsFor(named, resource) || named.Spec.ClaimRef is null ? Bind(resource, named, chosen: false)
                : Wait(resource, "Warning", "FailedBinding", $"volume \"{wanted}\" already bound to a different claim.");
        }

        return VolumeMatch.Find(resource, view.All<V1PersistentVolume>("")) is { } volume
            ? Bind(resource, volume, chosen: true)
            : Provision(resource, view);
    }

    private static IEnumerable<PlanStep> Unprotect(V1PersistentVolumeClaim claim, IView view)
    {
        if (claim.Metadata.Finalizers?.Contains(Protection) == true && !Users(claim, view).Any(p => !PodStates.IsTerminal(p)))
        {
            yield return Finalizer.Remove(claim, Protection);
        }
    }

    private static IEnumerable<V1Pod> Users(V1PersistentVolumeClaim claim, IView view) =>
        view.All<V1Pod>(claim.Metadata.NamespaceProperty).Where(p => EphemeralClaimReconciler.ClaimsOf(p).Contains(claim.Metadata.Name));

    private static Plan<V1PersistentVolumeClaimStatus> AfterBinding(V1PersistentVolumeClaim claim, IView view)
    {
        if (view.Get<V1PersistentVolume>("", claim.Spec.VolumeName) is { } volume)
        {
            return new(Bound(claim, volume));
        }

        return new(claim.Status with { Phase = "Lost" })
        {
            Events = claim.Status.Phase == "Lost"
                ? []
                : [new PlanEvent("Warning", "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")],
        };
    }

    private static V1PersistentVolumeClaimStatus Bound(V1PersistentVolumeClaim claim, V1PersistentVolume volume) =>
        (claim.Status ?? new V1PersistentVolumeClaimStatus()) with
        {
            Phase = "Bound",
            AccessModes = volume.Spec.AccessModes,
            Capacity = volume.Spec.Capacity,
        };

    private static Plan<V1PersistentVolumeClaimStatus> Wait(
        V1PersistentVolumeClaim claim, string type = "", string reason = "", string message = "") =>
        new((claim.Status ?? new V1PersistentVolumeClaimStatus()) with { Phase = "Pending" })
        {
            Events = reason.Length == 0 ? [] : [new PlanEvent(type, reason, message)],
        };

    private static Plan<V1PersistentVolumeClaimStatus> Bind(
        V1PersistentVolumeClaim claim, V1PersistentVolume volume, bool chosen, params ImmutableArray<PlanStep> before)
    {
        var steps = before.ToBuilder();
        if (string.IsNullOrEmpty(volume.Spec.ClaimRef?.Uid))
        {
            var reference = JsonNode.Parse(KubeJson.Serialize(LocalPathClass.ReferenceTo(claim)));
            steps.Add(PlanStep.Patch<V1PersistentVolume>(
                "", volume.Metadata.Name, PatchKind.Merge,
                KubeJson.Serialize(new JsonObject
                {
                    ["metadata"] = new JsonObject
                    {
                        ["resourceVersion"] = volume.Metadata.ResourceVersion, // two claims must not get the same volume
                        ["annotations"] = new JsonObject { ["pv.kubernetes.io/bound-by-controller"] = "yes" },
                    },
                    ["spec"] = new JsonObject { ["claimRef"] = reference },
                })));
        }

        var notes = new JsonObject { ["pv.kubernetes.io/bind-completed"] = "yes" };
        if (chosen)
        {
            notes["pv.kubernetes.io/bound-by-controller"] = "yes";
        }

        steps.Add(PlanStep.Patch<V1PersistentVolumeClaim>(
            claim.Metadata.NamespaceProperty, claim.Metadata.Name, PatchKind.Merge,
            KubeJson.Serialize(new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = claim.Metadata.Uid, ["annotations"] = notes },
                ["spec"] = new JsonObject { ["volumeName"] = volume.Metadata.Name },
            })));
        return new(Bound(claim, volume)) { Steps = steps.ToImmutable(), OnFailure = (_, _) => Wait(claim).Status! };
    }

    private Plan<V1PersistentVolumeClaimStatus> Provision(V1PersistentVolumeClaim claim, IView view)
    {
        var name = claim.Spec.StorageClassName;
        if (string.IsNullOrEmpty(name))
        {
            return Wait(
                claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set");
        }

        if (view.Get<V1StorageClass>("", name) is not { } @class)
        {
            return Wait(claim, "Warning", "ProvisioningFailed", $"storageclass.storage.k8s.io \"{name}\" not found");
        }

        if (@class.VolumeBindingMode == "WaitForFirstConsumer" && !Users(claim, view).Any())
        {
            return Wait(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
        }

        if (@class.Provisioner != LocalPathClass.Provisioner || where is null)
        {
            return Wait(
                claim, "Normal", "ExternalProvisioning",
                $"Waiting for a volume to be created either by the external provisioner '{@class.Provisioner}' or manually by the system "
                + "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.");
        }

        if (claim.Spec.VolumeMode == "Block")
        {
            return Wait(
                claim, "Warning", "ProvisioningFailed",
                $"failed to provision volume with StorageClass \"{name}\": its volumes are directories; volumeMode must be Filesystem");
        }

        var volume = LocalPathClass.VolumeFor(claim, @class, where);
        return Bind(claim, volume, chosen: true, PlanStep.Create(volume)) with
        {
            Events = [new PlanEvent("Normal", "ProvisioningSucceeded", $"Successfully provisioned volume {volume.Metadata.Name}")],
        };
    }
}
