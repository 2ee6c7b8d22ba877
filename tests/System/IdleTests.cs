using System.Collections.Concurrent;
using System.Text;
using k8s;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Whoever has nothing to do writes nothing.</summary>
public sealed class IdleTests
{
    [Fact]
    public async Task ServiceAtZero_CausesNoWrites()
    {
        await using var platform = new SystemPlatform();
        await platform.InitializeAsync();
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Process);
        await client.CreateAsync(A.Service(ns, "quiet"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "quiet", A.Ready);
        await client.UntilAllAsync<V1Pod>(ns, pods => pods.Count == 0);

        // The last status of the way down; every kind that could change is watched from then on.
        await client.UntilAsync<KnPodAutoscaler>(ns, "quiet-00001", p => p.Status.ActualScale == 0);
        await client.UntilAsync<V1Deployment>(ns, "quiet-00001-deployment", d => (d.Status.Replicas ?? 0) == 0);
        var writes = await RecordAllAsync(client);
        if (!writes.IsEmpty)
        {
            // A busy machine may still have been on the way down; whoever writes with a period is caught again.
            writes = await RecordAllAsync(client);
        }

        Assert.Empty(writes);
    }

    private static async Task<ConcurrentQueue<string>> RecordAllAsync(KubeClient client)
    {
        using var window = new CancellationTokenSource(TimeSpan.FromSeconds(5), TimeProvider.System);
        var writes = new ConcurrentQueue<string>();
        await Task.WhenAll(
            RecordAsync<KnService>(), RecordAsync<KnConfiguration>(), RecordAsync<KnRoute>(), RecordAsync<KnRevision>(), RecordAsync<KnIngress>(),
            RecordAsync<KnServerlessService>(), RecordAsync<KnPodAutoscaler>(), RecordAsync<KnMetric>(), RecordAsync<V1Deployment>(),
            RecordAsync<V1ReplicaSet>(), RecordAsync<V1Pod>(), RecordAsync<V1Service>(), RecordAsync<V1Endpoints>(), RecordAsync<V1EndpointSlice>(),
            RecordAsync<V1ConfigMap>(), RecordAsync<V1Namespace>(), RecordAsync<V1Node>(), RecordAsync<Corev1Event>());
        return writes;

        async Task RecordAsync<T>() where T : class, IKubernetesObject<V1ObjectMeta>
        {
            var type = ResourceType.Of<T>();
            var list = await client.Transport.ListAsync(new KubeRequest(KubeVerb.List, type), window.Token);
            try
            {
                await foreach (var (kind, document) in client.Transport.WatchAsync(
                    new KubeRequest(KubeVerb.List, type) { ResourceVersion = list.ResourceVersion }, window.Token))
                {
                    writes.Enqueue($"{kind} {type.Kind} {document.Key}: {Encoding.UTF8.GetString(document.Json.Span)}");
                }
            }
            catch (OperationCanceledException) when (window.IsCancellationRequested)
            {
                // The time is over.
            }
        }
    }
}
