using k8s.Models;
using Knet.Node.Agent;

namespace Knet.Node.Pods;

/// <summary>What this node does not run, said before anything is started. Pure.</summary>
internal static class PodRefusal
{
    public static (string Reason, string Message)? Of(V1Pod pod, NodeOptions options)
    {
        var spec = pod.Spec;
        var containers = spec.Containers.Concat(spec.InitContainers ?? []);
        return spec switch
        {
            { HostNetwork: true } => Refused("hostNetwork", "remove it: pods have addresses of their own"),
            { HostPID: true } => Refused("hostPID", "remove it"),
            { HostIPC: true } => Refused("hostIPC", "remove it"),
            _ when !options.AllowPrivileged && containers.FirstOrDefault(c => c.SecurityContext?.Privileged == true) is { } c =>
                Refused($"securityContext.privileged of container {c.Name}", "remove it, or set the node option AllowPrivileged"),
            _ when !options.AllowHostPath && spec.Volumes?.FirstOrDefault(v => v.HostPath is not null) is { } v =>
                Refused($"hostPath of volume {v.Name}", "it gives pods the machine; use emptyDir, or set the node option AllowHostPath"),
            _ => null,
        };
    }

    private static (string, string) Refused(string what, string how) => ("Forbidden", $"Pod was rejected: this node refuses {what}: {how}");
}
