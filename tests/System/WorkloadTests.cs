using k8s.Models;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Deployments on the fake node: rollout, undo, scaling.</summary>
public sealed class WorkloadTests(SystemPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task Deployment_RollsOutAndBack(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        await client.CreateAsync(A.Deployment(ns, "web", 3, "dev.local/web:v1"), Stop);
        await client.UntilAsync<V1Deployment>(ns, "web", d => Complete(d, 3));
        var old = Assert.Single(await client.ListAsync<V1ReplicaSet>(ns, Stop));

        await SetTemplateAsync(via, ns, image: "dev.local/web:v2");
        await client.UntilAllAsync<V1Pod>(ns, pods => pods.Count == 3 && pods.All(p => p.Spec.Containers[0].Image == "dev.local/web:v2"));
        Assert.Equal(2, (await client.ListAsync<V1ReplicaSet>(ns, Stop)).Count);

        // What "kubectl rollout undo" does: the old ReplicaSet's template again, and so the old ReplicaSet.
        await SetTemplateAsync(via, ns, old.Spec.Template.Spec.Containers[0].Image);
        await client.UntilAllAsync<V1Pod>(ns, pods => pods.Count == 3 && pods.All(p => p.Spec.Containers[0].Image == "dev.local/web:v1"));
        var sets = await client.UntilAllAsync<V1ReplicaSet>(ns, all => all.Count == 2 && all.All(s => s.Status.Replicas == s.Spec.Replicas));
        Assert.Equal(3, sets.Single(s => s.Metadata.Uid == old.Metadata.Uid).Spec.Replicas);
        Assert.Equal("3", sets.Single(s => s.Metadata.Uid == old.Metadata.Uid).Metadata.Annotations["deployment.kubernetes.io/revision"]);

        await client.RetriedUpdateAsync<V1Deployment>(ns, "web", d => d with { Spec = d.Spec with { Replicas = 0 } });
        await client.UntilAllAsync<V1Pod>(ns, pods => pods.Count == 0);
    }

    [Fact]
    public async Task DeletedPod_IsReplaced()
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Https);
        await client.CreateAsync(A.Deployment(ns, "web", 1, "dev.local/web:v1"), Stop);
        await client.UntilAsync<V1Deployment>(ns, "web", d => Complete(d, 1));
        var pod = Assert.Single(await client.ListAsync<V1Pod>(ns, Stop));
        await client.DeleteAsync<V1Pod>(ns, pod.Metadata.Name, Stop);
        var pods = await client.UntilAllAsync<V1Pod>(
            ns, all => all.Count == 1 && all[0].Metadata.Uid != pod.Metadata.Uid && all[0].Status.Phase == "Running");
        Assert.NotEqual(pod.Status.PodIP, pods[0].Status.PodIP);
    }

    private async Task SetTemplateAsync(Via via, string ns, string image)
    {
        var client = platform.Client(via);
        var changed = await client.RetriedUpdateAsync<V1Deployment>(
            ns, "web", d => d with { Spec = d.Spec with { Template = A.Deployment(ns, "web", 3, image).Spec.Template } });
        await client.UntilAsync<V1Deployment>(
            ns, "web", d => d.Status.ObservedGeneration >= changed.Metadata.Generation && Complete(d, 3));
    }

    private static bool Complete(V1Deployment deployment, int replicas) =>
        deployment.Status is { } status && status.ObservedGeneration == deployment.Metadata.Generation
        && status.UpdatedReplicas == replicas && status.AvailableReplicas == replicas && status.Replicas == replicas;
}
