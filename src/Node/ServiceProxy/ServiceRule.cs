using System.Net;
using k8s.Models;

namespace Knet.Node.ServiceProxy;

/// <summary>Where packets for one port of one Service go. Only ports with endpoints have a rule; the others are refused.</summary>
/// <param name="Address">The Service's cluster address.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
/// <param name="Port">The Service's port.</param>
/// <param name="NodePort">The port on all addresses of the machine, or 0.</param>
/// <param name="Sticky">A client's connections all go to the same endpoint (sessionAffinity ClientIP).</param>
/// <param name="Name">For people: <c>namespace/name:port</c>.</param>
internal sealed record ServiceRule(IPAddress Address, string Protocol, int Port, int NodePort, bool Sticky, string Name)
{
    public required IReadOnlyList<(IPAddress Address, int Port)> Targets { get; init; }

    /// <summary>Unique among all rules, and the same as long as the frontend is the same.</summary>
    public string Chain => $"svc-{Address}-{Protocol}-{Port}";

    /// <summary>The rules of a Service, in the order of its ports.</summary>
    public static IReadOnlyList<ServiceRule> Of(ServiceEntry entry)
    {
        if (entry.ClusterIp is not { } address)
        {
            return [];
        }

        var rules = new List<ServiceRule>();
        foreach (var port in entry.Service.Spec.Ports ?? [])
        {
            var protocol = (port.Protocol ?? "TCP").ToUpperInvariant();
            var targets = TargetsOf(entry, port, protocol);
            if (targets.Count > 0)
            {
                var sticky = entry.Service.Spec.SessionAffinity == "ClientIP";
                rules.Add(new(address, protocol.ToLowerInvariant(), port.Port, port.NodePort ?? 0, sticky, $"{entry.Key}:{port.Port}")
                {
                    Targets = targets,
                });
            }
        }

        return rules;
    }

    public bool Same(ServiceRule other) =>
        Chain == other.Chain && NodePort == other.NodePort && Sticky == other.Sticky && Name == other.Name
        && Targets.SequenceEqual(other.Targets);

    // Ports of endpoints carry the name of the Service's port; a lone port may have none on either side.
    private static List<(IPAddress, int)> TargetsOf(ServiceEntry entry, V1ServicePort port, string protocol) =>
    [
        .. entry.Backends
            .SelectMany(b => b.Ports.Where(p => p.Protocol == protocol && p.Name == (port.Name ?? "")).Select(p => (b.Address, p.Port)))
            .Distinct(),
    ];
}
