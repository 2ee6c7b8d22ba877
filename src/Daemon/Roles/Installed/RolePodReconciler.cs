using System.Net;
using k8s.Models;
using Knet.Kube.Controllers;

namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// What a kubelet does for pods on its node, for the pods that stand for this process: they run as long as it does, at the address where
/// its gateway answers pods, and end at once. No container is started for them.
/// </summary>
internal sealed class RolePodReconciler(IPAddress address) : IReconciler<V1Pod, V1PodStatus>
{
    private static readonly string[] Conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

    public Plan<V1PodStatus> Reconcile(V1Pod resource, IView view)
    {
        if (resource.Spec.NodeName != InstalledRole.NodeName || !InstalledRole.IsHome(resource.Metadata.NamespaceProperty)
            || resource.Metadata.OwnerReferences?.Any(o => o.Controller == true && o.Kind == "ReplicaSet") != true)
        {
            return new(null);
        }

        return resource.Metadata.DeletionTimestamp is null
            ? new(Running(resource, new DateTime(view.Now.UtcTicks - (view.Now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc)))
            : new(null) { Steps = [PlanStep.Delete(resource, graceSeconds: 0)] };
    }

    private V1PodStatus Running(V1Pod pod, DateTime now)
    {
        var since = pod.Status?.StartTime ?? now;
        return (pod.Status ?? new V1PodStatus()) with
        {
            Phase = "Running",
            StartTime = since,
            HostIP = address.ToString(),
            HostIPs = [new V1HostIP { Ip = address.ToString() }],
            PodIP = address.ToString(),
            PodIPs = [new V1PodIP { Ip = address.ToString() }],
            Conditions = [.. Conditions.Select(c => new V1PodCondition { Type = c, Status = "True", LastTransitionTime = since })],
            ContainerStatuses =
            [
                .. pod.Spec.Containers.Select(c => new V1ContainerStatus
                {
                    Name = c.Name,
                    Image = c.Image,
                    ImageID = "",
                    ContainerID = $"knetd://{pod.Metadata.Uid}",
                    Ready = true,
                    Started = true,
                    RestartCount = 0,
                    State = new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = since } },
                }),
            ],
        };
    }
}
