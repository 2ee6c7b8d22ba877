using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Knet.Tests.System.Platform;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.System;

/// <summary>What a restart of the control plane keeps and what its clients see of it; platforms of their own.</summary>
public sealed class RestartTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Restart_KeepsEverythingAndServes()
    {
        await using var platform = new SystemPlatform();
        await platform.InitializeAsync();
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Process);
        await client.CreateAsync(A.Service(ns, "app", "still here"), Stop);
        var service = await client.UntilAsync<KnService>(ns, "app", A.Ready);
        var map = await client.CreateAsync(A.ConfigMap(ns, "map", "1"), Stop);

        await platform.RestartAsync();
        client = platform.Client(Via.Https);
        var kept = await client.GetAsync<V1ConfigMap>(ns, "map", Stop);
        Assert.Equal((map.Metadata.Uid, map.Metadata.ResourceVersion, "1"), (kept.Metadata.Uid, kept.Metadata.ResourceVersion, kept.Data["key"]));
        var again = await client.UntilAsync<KnService>(ns, "app", A.Ready);
        Assert.Equal((service.Metadata.Uid, service.Status.Url), (again.Metadata.Uid, again.Status.Url));
        Assert.Equal((200, "still here"), await platform.AskAsync($"app.{ns}.localhost"));
        Assert.Single(await client.ListAsync<KnRevision>(ns, Stop));

        // And it is no museum: a change makes a new revision.
        await client.RetriedUpdateAsync<KnService>(ns, "app", s => s with { Spec = s.Spec with { Template = A.Template("new") } });
        await client.UntilAsync<KnService>(ns, "app", s => A.Ready(s) && s.Status.LatestReadyRevisionName == "app-00002");
        Assert.Equal((200, "new"), await platform.AskAsync($"app.{ns}.localhost"));
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task OlderWatch_IsToldToListAgain(Via via)
    {
        await using var platform = new SystemPlatform();
        await platform.InitializeAsync();
        var ns = await platform.NewNamespaceAsync();
        var old = await platform.Client(via).CreateAsync(A.ConfigMap(ns, "map", "1"), Stop);
        await platform.RestartAsync();

        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<V1ConfigMap>())
        {
            Namespace = ns, ResourceVersion = old.Metadata.ResourceVersion,
        };
        var refusal = await Assert.ThrowsAsync<KubeException>(async () =>
        {
            await foreach (var _ in platform.Client(via).Transport.WatchAsync(request, Stop))
            {
                Assert.Fail("an event of the time before the restart");
            }
        });
        Assert.Equal((410, "Expired"), (refusal.Code, refusal.Reason));
    }

    [Fact]
    public async Task InformerOverHttps_FindsBackAfterARestart()
    {
        await using var platform = new SystemPlatform();
        await platform.InitializeAsync();
        var ns = await platform.NewNamespaceAsync();
        using var transport = platform.LastingTransport();
        await using var informers = new InformerFactory(
            transport, TimeProvider.System, NullLoggerFactory.Instance, new InformerOptions { Namespace = ns });
        var maps = informers.Get<V1ConfigMap>();
        var added = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = maps.Subscribe(change =>
        {
            if (change is { New: not null, Key.Name: "after" })
            {
                added.TrySetResult();
            }
        });
        informers.Start();
        await informers.WaitForSyncAsync(Stop);

        await platform.RestartAsync();
        await platform.Client(Via.Process).CreateAsync(A.ConfigMap(ns, "after", "1"), Stop);
        await added.Task.WaitAsync(Watching.Limit, TimeProvider.System, Stop);
        Assert.Equal("1", maps.Find(ns, "after")!.Data["key"]);
    }
}
