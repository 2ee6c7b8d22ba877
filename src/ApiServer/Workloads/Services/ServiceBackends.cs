using System.Globalization;
using System.Net;
using System.Net.Sockets;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Services;

/// <summary>A pod behind a Service, with the ports it offers for it.</summary>
internal sealed record Backend(V1Pod Pod, bool Ready, bool Serving, bool Terminating, IReadOnlyList<BackendPort> Ports)
{
    public string Address => Pod.Status.PodIP;

    public V1ObjectReference Target => new()
    {
        Kind = "Pod", NamespaceProperty = Pod.Metadata.NamespaceProperty, Name = Pod.Metadata.Name, Uid = Pod.Metadata.Uid,
    };
}

/// <summary>A port of a Service, resolved for one pod. The name is empty when the Service gives none.</summary>
internal sealed record BackendPort(string Name, int Port, string Protocol, string? AppProtocol);

/// <summary>Which pods stand behind a Service and how.</summary>
internal static class ServiceBackends
{
    /// <summary>Pods with an address that match the selector and have not ended, by name; going ones too.</summary>
    public static List<Backend> Of(V1Service service, IView view)
    {
        var backends = new List<Backend>();
        var publish = service.Spec.PublishNotReadyAddresses == true;
        if (Selection.IndexPair(service.Spec.Selector) is not { } pair)
        {
            return backends;
        }

        foreach (var pod in view.Labelled<V1Pod>(service.Metadata.NamespaceProperty, pair.Key, pair.Value))
        {
            if (!string.IsNullOrEmpty(pod.Status?.PodIP) && !PodStates.IsTerminal(pod)
                && Selection.Contains(pod.Metadata.Labels, service.Spec.Selector))
            {
                var (serving, terminating) = (PodStates.IsReady(pod), pod.Metadata.DeletionTimestamp is not null);
                backends.Add(new Backend(pod, publish || (serving && !terminating), serving, terminating, PortsOf(service, pod)));
            }
        }

        return backends;
    }

    /// <summary><c>IPv4</c> or <c>IPv6</c>; null for what is no address.</summary>
    public static string? FamilyOf(string address) => IPAddress.TryParse(address, out var ip)
        ? ip.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4"
        : null;

    private static List<BackendPort> PortsOf(V1Service service, V1Pod pod)
    {
        var ports = new List<BackendPort>();
        foreach (var port in service.Spec.Ports ?? [])
        {
            // A named port that a pod does not have leaves this pod out of that port.
            if (Resolve(port, pod) is { } number)
            {
                ports.Add(new BackendPort(port.Name ?? "", number, port.Protocol ?? "TCP", port.AppProtocol));
            }
        }

        return ports;
    }

    private static int? Resolve(V1ServicePort port, V1Pod pod)
    {
        var target = port.TargetPort?.Value;
        if (string.IsNullOrEmpty(target) || target == "0")
        {
            return port.Port;
        }

        if (int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var containers = (pod.Spec.Containers ?? []).Concat((pod.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always"));
        return containers.SelectMany(c => c.Ports ?? [])
            .FirstOrDefault(p => p.Name == target && (p.Protocol ?? "TCP") == (port.Protocol ?? "TCP"))?.ContainerPort;
    }
}
