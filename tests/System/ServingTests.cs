using System.Net;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using k8s.Models;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Services from creation to deletion, through the API by both ways and the gateway's real sockets.</summary>
public sealed class ServingTests(SystemPlatform platform)
{
    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task Service_BecomesReadyAndAnswers(Via via)
    {
        var (ns, client) = await BeginAsync(via);
        await client.CreateAsync(A.Service(ns, "hello", "hello world"), TestContext.Current.CancellationToken);
        var ready = await client.UntilAsync<KnService>(ns, "hello", A.Ready);

        Assert.Equal($"http://hello.{ns}.localhost:{platform.Gateway.Port}", ready.Status.Url);
        Assert.Equal((200, "hello world"), await platform.AskAsync($"hello.{ns}.localhost"));
        Assert.Equal((200, "hello world"), await platform.AskAsync($"hello.{ns}.localhost", version: HttpVersion.Version20));
        Assert.Equal(404, (await platform.AskAsync($"other.{ns}.localhost")).Status);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task IdleService_GoesToZeroAndComesBackForEveryRequest(Via via)
    {
        var (ns, client) = await BeginAsync(via);
        await client.CreateAsync(A.Service(ns, "idle"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "idle", A.Ready);
        await client.UntilAllAsync<V1Pod>(ns, pods => pods.Count == 0);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => platform.AskAsync($"idle.{ns}.localhost", "/slow")));
        Assert.All(answers, answer => Assert.Equal((200, "one"), answer));
        var deployment = await client.GetAsync<V1Deployment>(ns, "idle-00001-deployment", TestContext.Current.CancellationToken);
        Assert.InRange(deployment.Spec.Replicas!.Value, 1, 20);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task NewRevision_SplitTagAndRollback_AreSeenByClients(Via via)
    {
        var (ns, client) = await BeginAsync(via);
        var host = $"app.{ns}.localhost";
        await client.CreateAsync(A.Service(ns, "app", "one"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "app", A.Ready);

        await ChangeAsync(client, ns, "app", s => s with { Spec = s.Spec with { Template = A.Template("two") } });
        Assert.Equal((200, "two"), await platform.AskAsync(host));

        await ChangeAsync(client, ns, "app", s => s with { Spec = s.Spec with { Traffic = Split } });
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => platform.AskAsync(host)));
        Assert.All(answers, a => Assert.Equal(200, a.Status));
        Assert.InRange(answers.Count(a => a.Body == "one"), 60, 140);
        Assert.Equal((200, "one"), await platform.AskAsync($"blue-{host}"));
        Assert.Equal((200, "two"), await platform.AskAsync($"green-{host}"));

        await ChangeAsync(client, ns, "app", s => s with
        {
            Spec = s.Spec with { Traffic = [new TrafficTarget { RevisionName = "app-00001", Percent = 100 }] },
        });
        answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => platform.AskAsync(host)));
        Assert.All(answers, answer => Assert.Equal((200, "one"), answer));
        Assert.Equal(404, (await platform.AskAsync($"blue-{host}")).Status);
    }

    [Fact]
    public async Task Rollout_FailsNoRequestUnderLoad()
    {
        var (ns, client) = await BeginAsync(Via.Process);
        await client.CreateAsync(A.Service(ns, "load", "one"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "load", A.Ready);
        var stop = false;
        var load = Enumerable.Range(0, 4).Select(async _ =>
        {
            var answers = new List<(int, string)>();
            while (!Volatile.Read(ref stop))
            {
                answers.Add(await platform.AskAsync($"load.{ns}.localhost"));
            }

            return answers;
        }).ToList();

        await ChangeAsync(client, ns, "load", s => s with { Spec = s.Spec with { Template = A.Template("two") } });
        Assert.Equal((200, "two"), await platform.AskAsync($"load.{ns}.localhost"));
        Volatile.Write(ref stop, true);
        var all = (await Task.WhenAll(load)).SelectMany(a => a).ToHashSet();
        Assert.Subset(new HashSet<(int, string)> { (200, "one"), (200, "two") }, all);
    }

    [Theory]
    [InlineData(
        "registry.test/missing:v1",
        "Unable to fetch image \"registry.test/missing:v1\": GET https://registry.test/missing:v1: 404 Not Found")]
    [InlineData("dev.local/crash:v1", "Container failed with: no database")]
    public async Task BrokenImage_IsExplainedInTheReadyCondition(string image, string cause)
    {
        var (ns, client) = await BeginAsync(Via.Https);
        await client.CreateAsync(A.Service(ns, "broken", image: image), TestContext.Current.CancellationToken);
        var broken = await client.UntilAsync<KnService>(ns, "broken", s => A.ReadyIs(s, "False"));
        Assert.Contains(cause, broken.Status.Conditions!.Single(c => c.Type == "Ready").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task InvalidSpec_IsRefusedWithTheField(Via via)
    {
        var (ns, client) = await BeginAsync(via);
        var service = A.Service(ns, "invalid");
        service.Spec.Template.Spec.Containers[0].Env[0].Name = "PORT";
        var refusal = await Assert.ThrowsAsync<KubeException>(() => client.CreateAsync(service, TestContext.Current.CancellationToken));
        Assert.Equal(400, refusal.Code);
        Assert.Equal(
            "admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: " +
            "\"PORT\" is a reserved environment variable: spec.template.spec.containers[0].env[0].name",
            refusal.Message);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task DeletedService_TakesAllChildrenAlong(Via via)
    {
        var (ns, client) = await BeginAsync(via);
        await client.CreateAsync(A.Service(ns, "brief"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "brief", A.Ready);
        await client.DeleteAsync<KnService>(ns, "brief", TestContext.Current.CancellationToken);

        await client.UntilAllAsync<KnService>(ns, all => all.Count == 0);
        await client.UntilAllAsync<KnConfiguration>(ns, all => all.Count == 0);
        await client.UntilAllAsync<KnRoute>(ns, all => all.Count == 0);
        await client.UntilAllAsync<KnRevision>(ns, all => all.Count == 0);
        await client.UntilAllAsync<KnIngress>(ns, all => all.Count == 0);
        await client.UntilAllAsync<KnServerlessService>(ns, all => all.Count == 0);
        await client.UntilAllAsync<V1Deployment>(ns, all => all.Count == 0);
        await client.UntilAllAsync<V1ReplicaSet>(ns, all => all.Count == 0);
        await client.UntilAllAsync<V1Pod>(ns, all => all.Count == 0);
        await client.UntilAllAsync<V1Service>(ns, all => all.Count == 0);
        await client.UntilAllAsync<V1EndpointSlice>(ns, all => all.Count == 0);
        Assert.Equal(404, (await platform.AskAsync($"brief.{ns}.localhost")).Status);
    }

    [Fact]
    public async Task ServerlessService_EndpointsAreMirroredInSlices()
    {
        var (ns, client) = await BeginAsync(Via.Https);
        await client.CreateAsync(A.Service(ns, "sks"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "sks", A.Ready);
        var pods = await client.UntilAllAsync<V1Pod>(ns, all => all.Any(p => p.Status.PodIP is not null));

        var sks = await client.UntilAsync<KnServerlessService>(ns, "sks-00001", s => s.Status.PrivateServiceName is not null);
        await client.UntilAsync<V1Endpoints>(
            ns, sks.Status.PrivateServiceName!, e => e.Subsets?.SelectMany(s => s.Addresses ?? []).Any(a => a.Ip == pods[0].Status.PodIP) == true);
        var endpoints = await client.UntilAsync<V1Endpoints>(ns, sks.Status.ServiceName!, e => e.Subsets is { Count: > 0 });
        var addresses = endpoints.Subsets.SelectMany(s => s.Addresses).Select(a => a.Ip).Order().ToList();
        await client.UntilAllAsync<V1EndpointSlice>(ns, slices => slices
            .Where(s => s.Metadata.Labels.TryGetValue("kubernetes.io/service-name", out var of) && of == sks.Status.ServiceName)
            .SelectMany(s => s.Endpoints).SelectMany(e => e.Addresses).Order().SequenceEqual(addresses));
    }

    private async Task<(string Namespace, KubeClient Client)> BeginAsync(Via via) => (await platform.NewNamespaceAsync(), platform.Client(via));

    /// <summary>A user's edit: the newest object, changed; then waits until the change is in effect.</summary>
    private static async Task ChangeAsync(KubeClient client, string ns, string name, Func<KnService, KnService> change)
    {
        var changed = await client.RetriedUpdateAsync(ns, name, change);
        await client.UntilAsync<KnService>(
            ns, name, s => s.Metadata.Generation >= changed.Metadata.Generation && A.Ready(s)
                && (s.Spec.Traffic is not null || s.Status.LatestReadyRevisionName == s.Status.LatestCreatedRevisionName));
    }

    private static List<TrafficTarget> Split =>
    [
        new() { RevisionName = "app-00001", Percent = 50, Tag = "blue" },
        new() { RevisionName = "app-00002", Percent = 50, Tag = "green" },
    ];
}
