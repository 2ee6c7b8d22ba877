using System.Net.Sockets;
using k8s.Models;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry.Strategies;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer;

/// <summary>Ensures the objects that every cluster has: namespaces, the <c>kubernetes</c> Service with its endpoints, roles.</summary>
internal static partial class Bootstrap
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly string[] Namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    public static async Task EnsureAsync(ApiServerOptions options, IKubeTransport transport, CancellationToken cancellationToken)
    {
        var client = new KubeClient(transport, "kube-apiserver");
        foreach (var name in Namespaces)
        {
            if (await client.FindAsync<V1Namespace>("", name, cancellationToken) is null)
            {
                await client.CreateAsync(
                    new V1Namespace { ApiVersion = "v1", Kind = "Namespace", Metadata = new V1ObjectMeta { Name = name } }, cancellationToken);
            }
        }

        foreach (var (name, value) in PriorityClassStrategy.System)
        {
            if (await client.FindAsync<V1PriorityClass>("", name, cancellationToken) is null)
            {
                await client.CreateAsync(
                    new V1PriorityClass
                    {
                        ApiVersion = "scheduling.k8s.io/v1", Kind = "PriorityClass", Metadata = new V1ObjectMeta { Name = name }, Value = value,
                    },
                    cancellationToken);
            }
        }

        await BootstrapRoles.EnsureAsync(client, cancellationToken);
        await EnsureKubernetesAsync(options, client, cancellationToken);
    }

    /// <summary>
    /// Makes the <c>kubernetes</c> Service and its endpoints again when somebody deleted or changed them, at the interval of
    /// kube-apiserver, until cancelled.
    /// </summary>
    public static async Task KeepAsync(
        ApiServerOptions options, IKubeTransport transport, ILogger logger, CancellationToken cancellationToken)
    {
        var client = new KubeClient(transport, "kube-apiserver");
        using var timer = new PeriodicTimer(Interval, options.Time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await EnsureKubernetesAsync(options, client, cancellationToken);
            }
            catch (KubeException e)
            {
                Log.Failed(logger, e.Message, Interval.TotalSeconds);
            }
        }
    }

    private static async Task EnsureKubernetesAsync(ApiServerOptions options, KubeClient client, CancellationToken cancellationToken)
    {
        await EnsureServiceAsync(options, client, cancellationToken);
        await EnsureEndpointsAsync(options, client, cancellationToken);
    }

    private static async Task EnsureServiceAsync(ApiServerOptions options, KubeClient client, CancellationToken cancellationToken)
    {
        var port = options.ApiEndpoints.Count > 0 ? options.ApiEndpoints[0].Port : 443;
        var wanted = new V1Service
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Meta(),
            Spec = new V1ServiceSpec
            {
                Type = "ClusterIP",
                ClusterIP = new AddressPool(options.ServiceRange).First,
                Ports = [new V1ServicePort { Name = "https", Protocol = "TCP", Port = 443, TargetPort = port }],
            },
        };
        if (await client.FindAsync<V1Service>("default", "kubernetes", cancellationToken) is not { } found)
        {
            await client.CreateAsync(wanted, cancellationToken);
        }
        else if (found.Spec.ClusterIP != wanted.Spec.ClusterIP)
        {
            // The range was changed: an address cannot be, so the Service is made anew.
            await client.DeleteAsync<V1Service>("default", "kubernetes", cancellationToken);
            await client.CreateAsync(wanted, cancellationToken);
        }
        else if (found.Spec.Ports[0].TargetPort.Value != wanted.Spec.Ports[0].TargetPort.Value)
        {
            await client.UpdateAsync(found with { Spec = found.Spec with { Ports = wanted.Spec.Ports } }, cancellationToken);
        }
    }

    private static async Task EnsureEndpointsAsync(ApiServerOptions options, KubeClient client, CancellationToken cancellationToken)
    {
        var addresses = options.ApiEndpoints.Where(e => e.AddressFamily == AddressFamily.InterNetwork).ToList();
        if (addresses.Count == 0)
        {
            return;
        }

        var endpoints = Meta();
        // Its slice is made below, so nobody needs to derive one.
        endpoints.Labels["endpointslice.kubernetes.io/skip-mirror"] = "true";
        await client.ApplyAsync(new V1Endpoints
        {
            ApiVersion = "v1",
            Kind = "Endpoints",
            Metadata = endpoints,
            Subsets =
            [
                new V1EndpointSubset
                {
                    Addresses = [.. addresses.Select(a => new V1EndpointAddress { Ip = a.Address.ToString() })],
                    Ports = [new Corev1EndpointPort { Name = "https", Port = addresses[0].Port, Protocol = "TCP" }],
                },
            ],
        }, cancellationToken);
        var slice = Meta();
        slice.Labels["kubernetes.io/service-name"] = "kubernetes";
        await client.ApplyAsync(new V1EndpointSlice
        {
            ApiVersion = "discovery.k8s.io/v1",
            Kind = "EndpointSlice",
            Metadata = slice,
            AddressType = "IPv4",
            Endpoints =
            [
                .. addresses.Select(a => new V1Endpoint
                {
                    Addresses = [a.Address.ToString()], Conditions = new V1EndpointConditions { Ready = true },
                }),
            ],
            Ports = [new Discoveryv1EndpointPort { Name = "https", Port = addresses[0].Port, Protocol = "TCP" }],
        }, cancellationToken);
    }

    private static V1ObjectMeta Meta() => new()
    {
        Name = "kubernetes",
        NamespaceProperty = "default",
        Labels = new Dictionary<string, string> { ["component"] = "apiserver", ["provider"] = "kubernetes" },
    };

    private static partial class Log
    {
        [LoggerMessage(3009, LogLevel.Warning, "Service default/kubernetes could not be made again: {Reason}; next try in {Seconds} s")]
        public static partial void Failed(ILogger logger, string reason, double seconds);
    }
}
