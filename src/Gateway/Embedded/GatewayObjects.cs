using k8s.Models;

namespace Knet.Gateway.Embedded;

/// <summary>
/// The objects by which the cluster finds the gateway: a Service for its routes, and the activators' Service, whose endpoints stand in for
/// Revisions without pods.
/// </summary>
public static class GatewayObjects
{
    private const int HttpPort = 8012;
    private const int Http2Port = 8013;

    /// <summary>Services and Endpoints to apply, in order.</summary>
    /// <param name="address">Where the gateway listens for pods: on port <paramref name="routePort"/>, 8012 and 8013.</param>
    public static IReadOnlyList<k8s.IKubernetesObject<V1ObjectMeta>> All(GatewayOptions options, string address, int routePort = 80) =>
    [
        Service(options, options.ServiceName, [Port("http2", 80, routePort)]),
        Endpoints(options, options.ServiceName, address, [("http2", routePort)]),
        Service(options, "activator-service", [Port("http", 80, HttpPort), Port("http2", 81, Http2Port)]),
        Endpoints(options, "activator-service", address, [("http", HttpPort), ("http2", Http2Port)]),
    ];

    private static V1Service Service(GatewayOptions options, string name, List<V1ServicePort> ports) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = Describe(options, name),
        Spec = new V1ServiceSpec { Ports = ports },
    };

    private static V1Endpoints Endpoints(GatewayOptions options, string name, string address, List<(string Name, int Port)> ports) => new()
    {
        ApiVersion = "v1",
        Kind = "Endpoints",
        Metadata = Describe(options, name),
        Subsets =
        [
            new V1EndpointSubset
            {
                Addresses = [new V1EndpointAddress { Ip = address }],
                Ports = [.. ports.Select(p => new Corev1EndpointPort { Name = p.Name, Port = p.Port, Protocol = "TCP" })],
            },
        ],
    };

    private static V1ObjectMeta Describe(GatewayOptions options, string name) => new()
    {
        Name = name,
        NamespaceProperty = options.SystemNamespace,
        Labels = new Dictionary<string, string> { ["app"] = name, ["app.kubernetes.io/part-of"] = "knative-serving" },
    };

    private static V1ServicePort Port(string name, int port, int target) =>
        new() { Name = name, Port = port, TargetPort = target, Protocol = "TCP" };
}
