using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Schema;
using Knet.Daemon.Startup;
using Knet.Kube.Client;
using Knet.Serving.Config;

namespace Knet.Daemon.Roles;

/// <summary>Ports of the gateway for clients outside.</summary>
internal readonly record struct GatewayPorts(int Http, int Https)
{
    /// <summary>The protocols' own, which URLs leave out.</summary>
    public static GatewayPorts Default => new(80, 443);
}

/// <summary>The objects that installing Knative brings: its namespace, CRDs, ConfigMaps and the Services of activator and gateway.</summary>
internal static class KnativeObjects
{
    public const string GatewayService = "knet-gateway";
    public const string ActivatorService = "activator-service";

    /// <summary>The ports of upstream's activator, on which SKS endpoints in Proxy mode lead to it.</summary>
    public const int HttpPort = 8012;

    public const int Http2Port = 8013;

    /// <summary>The port for pods that speak TLS to the gateway, behind port 443 of its Service.</summary>
    public const int HttpsPort = 8443;

    public static async Task EnsureAsync(KubeClient client, GatewayPorts ports, CancellationToken cancellationToken)
    {
        await CreateMissingAsync(
            client, new V1Namespace { ApiVersion = "v1", Kind = "Namespace", Metadata = new() { Name = Identities.SystemNamespace } },
            cancellationToken);
        foreach (var definition in CrdWriter.ForServing())
        {
            await ApplyDefinitionAsync(client, definition, cancellationToken);
        }

        foreach (var map in DefaultConfigMaps.Create(ports.Http, ports.Https))
        {
            await CreateMissingAsync(client, map, cancellationToken);
        }

        await client.PatchAsync<V1ConfigMap>(
            Identities.SystemNamespace,
            "config-network",
            PatchKind.Merge,
            Encoding.UTF8.GetBytes(
                $"{{\"data\":{{\"{NetworkConfig.ExternalPortKey}\":\"{ports.Http}\",\"{NetworkConfig.ExternalTlsPortKey}\":\"{ports.Https}\"}}}}"),
            cancellationToken);
    }

    /// <summary>Describes the gateway to clients, and leads its and the activator's cluster addresses to the gateway's listeners for pods.</summary>
    /// <param name="bridgeAddress">
    /// Where the gateway listens for pods, on <see cref="HttpPort"/>, <see cref="Http2Port"/> and <see cref="HttpsPort"/>.
    /// </param>
    /// <returns>The node ports that the API gave to the gateway's ports, and whether clients speak TLS there.</returns>
    public static async Task<IReadOnlyList<(int Port, bool Tls)>> EnsureGatewayAsync(
        KubeClient client, string bridgeAddress, GatewayPorts ports, CancellationToken cancellationToken)
    {
        V1ServicePort[] external =
        [
            .. ports.Http == 80 ? [] : new[] { Port("http-external", ports.Http, HttpPort, null) },
            .. ports.Https == 443 ? [] : new[] { Port("https-external", ports.Https, HttpsPort, null) },
        ];
        var gateway = Service(
            GatewayService, "LoadBalancer",
            [Port("http2", 80, HttpPort, "kubernetes.io/h2c"), Port("https", 443, HttpsPort, null), .. external]);
        var made = await EnsureServiceAsync(client, gateway, cancellationToken);
        await client.PatchAsync<V1Service>(
            Identities.SystemNamespace,
            GatewayService,
            PatchKind.Merge,
            """{"status":{"loadBalancer":{"ingress":[{"ip":"127.0.0.1"}]}}}"""u8.ToArray(),
            cancellationToken,
            "status");
        await client.ApplyAsync(Endpoints(gateway, bridgeAddress), cancellationToken);

        var activator = Service(
            ActivatorService, "ClusterIP", [Port("http", 80, HttpPort, null), Port("http2", 81, Http2Port, "kubernetes.io/h2c")]);
        await EnsureServiceAsync(client, activator, cancellationToken);
        await client.ApplyAsync(Endpoints(activator, bridgeAddress), cancellationToken);
        var https = $"{HttpsPort}";
        return [.. made.Spec.Ports.Where(p => p.NodePort is > 0).Select(p => ((int)p.NodePort!, p.TargetPort.Value == https))];
    }

    /// <summary>Updates a CRD only when it differs from what this version writes: an unchanged start writes nothing.</summary>
    internal static async Task ApplyDefinitionAsync(KubeClient client, JsonObject definition, CancellationToken cancellationToken)
    {
        var name = (string)definition["metadata"]!["name"]!;
        var type = ResourceType.Of<V1CustomResourceDefinition>();
        var request = new KubeRequest(KubeVerb.Patch, type)
        {
            Name = name, Patch = PatchKind.Apply, Force = true, FieldManager = client.FieldManager,
            Body = Encoding.UTF8.GetBytes(definition.ToJsonString()),
        };
        await client.Transport.SendAsync(request, cancellationToken);
    }

    internal static async Task CreateMissingAsync<T>(KubeClient client, T value, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (await client.FindAsync<T>(value.Metadata.NamespaceProperty ?? "", value.Metadata.Name, cancellationToken) is null)
        {
            await client.CreateAsync(value, cancellationToken);
        }
    }

    private static async Task<V1Service> EnsureServiceAsync(KubeClient client, V1Service service, CancellationToken cancellationToken)
    {
        var found = await client.FindAsync<V1Service>(Identities.SystemNamespace, service.Metadata.Name, cancellationToken);
        if (found is null)
        {
            foreach (var port in service.Spec.Type == "LoadBalancer" ? service.Spec.Ports : [])
            {
                port.NodePort = GatewayPort.FindNodePort() is > 0 and var free ? free : null;
            }

            return await client.CreateAsync(service, cancellationToken);
        }

        return found.Spec.Ports.Select(Shape).SequenceEqual(service.Spec.Ports.Select(Shape))
            ? found
            : await client.UpdateAsync(found with { Spec = found.Spec with { Ports = service.Spec.Ports } }, cancellationToken);

        static (string, int, string) Shape(V1ServicePort port) => (port.Name, port.Port, port.TargetPort.Value);
    }

    private static V1ServicePort Port(string name, int port, int target, string? protocol) =>
        new() { Name = name, Port = port, TargetPort = target, Protocol = "TCP", AppProtocol = protocol };

    private static V1Service Service(string name, string type, IList<V1ServicePort> ports) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = Identities.SystemNamespace, Labels = Labels },
        Spec = new V1ServiceSpec { Type = type, Ports = ports },
    };

    private static V1Endpoints Endpoints(V1Service service, string address) => new()
    {
        ApiVersion = "v1",
        Kind = "Endpoints",
        Metadata = new V1ObjectMeta { Name = service.Metadata.Name, NamespaceProperty = Identities.SystemNamespace, Labels = Labels },
        Subsets =
        [
            new V1EndpointSubset
            {
                Addresses = [new V1EndpointAddress { Ip = address }],
                Ports =
                [
                    .. service.Spec.Ports.Select(p => new Corev1EndpointPort
                    {
                        Name = p.Name, Port = int.Parse(p.TargetPort.Value, CultureInfo.InvariantCulture), Protocol = "TCP",
                        AppProtocol = p.AppProtocol,
                    }),
                ],
            },
        ],
    };

    private static Dictionary<string, string> Labels => new()
    {
        ["app.kubernetes.io/name"] = "knative-serving", ["app.kubernetes.io/part-of"] = "knet",
    };
}
