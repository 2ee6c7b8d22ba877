using k8s.Models;
using Knet.Node.Agent;

namespace Knet.Node.Pods;

/// <summary>What this node does not run, said before anything is started. Pure.</summary>
internal static class PodRefusal
{
    /// <summary>Those that concern the pod's own namespaces only; the ones that kubelet allows.</summary>
    private static readonly HashSet<string> SafeSysctls =
    [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ];

    public static (string Reason, string Message)? Of(V1Pod pod, NodeOptions options)
    {
        var spec = pod.Spec;
        var containers = spec.Containers.Concat(spec.InitContainers ?? []);
        if (spec.SecurityContext?.Sysctls?.FirstOrDefault(s => !SafeSysctls.Contains(s.Name.Replace('/', '.'))) is { } unsafeOne)
        {
            return ("SysctlForbidden", $"Pod was rejected: forbidden sysctl: \"{unsafeOne.Name}\" not allowlisted");
        }

        return spec switch
        {
            { HostNetwork: true } => Refused("hostNetwork", "remove it: pods have addresses of their own"),
            { HostPID: true } => Refused("hostPID", "remove it"),
            { HostIPC: true } => Refused("hostIPC", "remove it"),
            _ when !options.AllowPrivileged && containers.FirstOrDefault(c => c.SecurityContext?.Privileged == true) is { } c =>
                Refused($"securityContext.privileged of container {c.Name}", "remove it, or start with --allow-privileged on"),
            _ when !options.AllowHostPath && spec.Volumes?.FirstOrDefault(v => v.HostPath is not null) is { } v =>
                Refused($"hostPath of volume {v.Name}", "it gives pods the machine; use emptyDir, or start with --allow-host-path on"),
            _ => null,
        };
    }

    /// <summary>Ports that the pod asks for on the machine's addresses and does not get; null when there are none.</summary>
    public static string? HostPorts(V1PodSpec spec)
    {
        var ports = spec.Containers.Concat(spec.InitContainers ?? []).SelectMany(c => c.Ports ?? []).Select(p => p.HostPort)
            .Where(p => p > 0).Distinct().ToList();
        return ports.Count == 0 ? null
            : $"hostPort {string.Join(", ", ports)} is not opened: pods get no ports of this machine; "
                + "reach the pod by its address or a Service, or from outside by kubectl port-forward";
    }

    private static (string, string) Refused(string what, string how) => ("Forbidden", $"Pod was rejected: this node refuses {what}: {how}");
}
