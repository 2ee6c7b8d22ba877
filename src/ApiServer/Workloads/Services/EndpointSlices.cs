using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Services;

/// <summary>Groups endpoints by address family and ports into EndpointSlices with stable names.</summary>
internal static class EndpointSlices
{
    public const string ServiceName = "kubernetes.io/service-name";
    public const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    public const string Controller = "endpointslice-controller.k8s.io";
    public const string MirrorController = "endpointslicemirroring-controller.k8s.io";
    public const string Headless = "service.kubernetes.io/headless";

    // Kubernetes' default for --max-endpoints-per-slice.
    private const int PerSlice = 100;

    /// <summary>The slices of a Service; one that is empty when nothing stands behind it, as Kubernetes writes it.</summary>
    public static List<V1EndpointSlice> Build(
        string ns, string service, V1OwnerReference owner, IDictionary<string, string> labels,
        IEnumerable<(string Family, IReadOnlyList<BackendPort> Ports, V1Endpoint Endpoint)> endpoints)
    {
        var groups = endpoints.GroupBy(e => (e.Family, Ports: string.Join(',', e.Ports))).ToList();
        var slices = new List<V1EndpointSlice>();
        foreach (var group in groups)
        {
            foreach (var (chunk, index) in group.Chunk(PerSlice).Select((chunk, index) => (chunk, index)))
            {
                var suffix = SafeNames.Suffix($"{owner.Uid}/{group.Key.Family}/{group.Key.Ports}/{index}", 5);
                slices.Add(Slice(ns, service, suffix, owner, labels, group.Key.Family, chunk[0].Ports, [.. chunk.Select(c => c.Endpoint)]));
            }
        }

        if (slices.Count == 0)
        {
            slices.Add(Slice(ns, service, SafeNames.Suffix($"{owner.Uid}/IPv4//0", 5), owner, labels, "IPv4", [], []));
        }

        return slices;
    }

    private static V1EndpointSlice Slice(
        string ns, string service, string suffix, V1OwnerReference owner, IDictionary<string, string> labels, string family,
        IReadOnlyList<BackendPort> ports, List<V1Endpoint> endpoints) => new()
        {
            ApiVersion = "discovery.k8s.io/v1",
            Kind = "EndpointSlice",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = ns,
                Name = $"{(service.Length > 57 ? service[..57] : service)}-{suffix}",
                GenerateName = $"{service}-",
                Labels = new Dictionary<string, string>(labels) { [ServiceName] = service },
                OwnerReferences = [owner],
            },
            AddressType = family,
            Endpoints = endpoints,
            Ports = [.. ports.Select(p => new Discoveryv1EndpointPort
            {
                Name = p.Name, Port = p.Port, Protocol = p.Protocol, AppProtocol = p.AppProtocol,
            })],
        };
}
