using k8s.Models;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>Lets go of pods whose Job is gone or going, or does not control them any more: nobody will count them.</summary>
internal sealed class JobPodReleaser : IReconciler<V1Pod, V1PodStatus>
{
    public Plan<V1PodStatus> Reconcile(V1Pod resource, IView view)
    {
        if (!JobPods.IsHeld(resource))
        {
            return new(null);
        }

        var owner = resource.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true && o.Kind == "Job");
        var job = owner is null ? null : view.Get<V1Job>(resource.Metadata.NamespaceProperty, owner.Name);
        return job?.Metadata.Uid == owner?.Uid && job is { Metadata.DeletionTimestamp: null }
            ? new(null)
            : new(null) { Steps = [JobPods.Release(resource)] };
    }
}
