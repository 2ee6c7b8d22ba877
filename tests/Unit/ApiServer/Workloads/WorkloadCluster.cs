using System.Diagnostics;
using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer;
using Knet.ApiServer.Workloads;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>The real API server in memory with the workload controllers; the test plays the node.</summary>
internal sealed class WorkloadCluster : IAsyncDisposable
{
    private readonly ApiServerCore _api;
    private readonly InformerFactory _informers;
    private readonly EventRecorder _events;
    private readonly ControllerHost _host;

    private WorkloadCluster(ApiServerCore api)
    {
        _api = api;
        var transport = api.Connect(ApiServerCore.System);
        Client = new KubeClient(transport, "tests");
        _informers = new InformerFactory(transport, TimeProvider.System, NullLoggerFactory.Instance);
        _events = new EventRecorder(Client, TimeProvider.System, NullLogger.Instance);
        _host = new ControllerHost(
            _informers, new ConfigSource("knative-serving", NullLogger.Instance), _events, TimeProvider.System, NullLoggerFactory.Instance);
        WorkloadControllers.Register(
            _host, name => new KubeClient(transport, name), new WorkloadOptions { ClusterCa = "PEM", Kinds = () => api.Registry.Kinds });
        Pods = _informers.Get<V1Pod>();
        Sets = _informers.Get<V1ReplicaSet>();
        Deployments = _informers.Get<V1Deployment>();
        Endpoints = _informers.Get<V1Endpoints>();
        Slices = _informers.Get<V1EndpointSlice>();
    }

    public KubeClient Client { get; }
    public Informer<V1Pod> Pods { get; }
    public Informer<V1ReplicaSet> Sets { get; }
    public Informer<V1Deployment> Deployments { get; }
    public Informer<V1Endpoints> Endpoints { get; }
    public Informer<V1EndpointSlice> Slices { get; }

    public static async Task<WorkloadCluster> StartAsync(bool node = true)
    {
        var cluster = new WorkloadCluster(await ApiServerCore.StartAsync(new ApiServerOptions(), CancellationToken.None));
        if (node)
        {
            await cluster.Client.CreateAsync(Node("n1", cpu: "4"), CancellationToken.None);
        }

        await cluster._host.StartAsync(CancellationToken.None);
        return cluster;
    }

    public static V1Node Node(string name, string cpu) => new()
    {
        ApiVersion = "v1",
        Kind = "Node",
        Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["kubernetes.io/hostname"] = name } },
        Status = new V1NodeStatus
        {
            Allocatable = new Dictionary<string, ResourceQuantity> { ["cpu"] = cpu, ["memory"] = "8Gi", ["pods"] = "110" },
        },
    };

    public static V1Deployment Deployment(string name, int replicas, string image = "one", string? cpu = null) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "Deployment",
        Metadata = new V1ObjectMeta { NamespaceProperty = "default", Name = name },
        Spec = new V1DeploymentSpec
        {
            Replicas = replicas,
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = name } },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = name } },
                Spec = new V1PodSpec
                {
                    Containers =
                    [
                        new V1Container
                        {
                            Name = "c",
                            Image = image,
                            Ports = [new V1ContainerPort { Name = "http", ContainerPort = 8080 }],
                            Resources = cpu is null ? null : new V1ResourceRequirements
                            {
                                Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = cpu },
                            },
                        },
                    ],
                },
            },
        },
    };

    public static async Task Until(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"it did not come true: {what}");
            await Task.Yield();
        }
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"it did not come true: {what}");
            await Task.Yield();
        }
    }

    public Task ScaleAsync(string name, int replicas) => Client.Transport.SendAsync(
        new KubeRequest(KubeVerb.Patch, ResourceType.Of<V1Deployment>())
        {
            Namespace = "default", Name = name, Subresource = "scale", Patch = PatchKind.Merge,
            Body = Encoding.UTF8.GetBytes($"{{\"spec\":{{\"replicas\":{replicas}}}}}"),
        }, CancellationToken.None);

    /// <summary>What the node does: the pod runs, has an address and is ready (or not).</summary>
    public async Task RunAsync(V1Pod pod, bool ready = true, string? ip = null)
    {
        var address = ip ?? $"10.42.0.{Math.Abs(pod.Metadata.Uid.GetHashCode(StringComparison.Ordinal)) % 250 + 1}";
        var now = DateTime.UnixEpoch.AddYears(56).ToString("yyyy-MM-ddTHH:mm:ssZ");
        var patch = $$"""
            {"status":{"phase":"Running","podIP":"{{address}}","podIPs":[{"ip":"{{address}}"}],
             "conditions":[{"type":"Ready","status":"{{ready}}","lastTransitionTime":"{{now}}"}]} }
            """;
        await Client.PatchAsync<V1Pod>(
            pod.Metadata.NamespaceProperty, pod.Metadata.Name, PatchKind.Strategic, Encoding.UTF8.GetBytes(patch), CancellationToken.None,
                "status");
    }

    /// <summary>Runs pods as they are bound and removes them as they are deleted, until the condition holds.</summary>
    public async Task PlayNodeUntil(Func<bool> condition, string what, Action? look = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"it did not come true: {what}");
            look?.Invoke();
            foreach (var pod in Pods.List("default").Where(p => p.Spec.NodeName is not null))
            {
                try
                {
                    if (pod.Metadata.DeletionTimestamp is not null)
                    {
                        await Client.DeleteAsync<V1Pod>(
                            "default", pod.Metadata.Name, CancellationToken.None, new V1DeleteOptions { GracePeriodSeconds = 0 });
                    }
                    else if (pod.Status?.Phase != "Running")
                    {
                        await RunAsync(pod);
                    }
                }
                catch (KubeException e) when (e.IsNotFound)
                {
                    // The cache is a moment behind.
                }
            }

            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _events.DisposeAsync();
        await _informers.DisposeAsync();
        await _api.DisposeAsync();
    }
}
