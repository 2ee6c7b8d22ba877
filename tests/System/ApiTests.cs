using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Knet.Kube.LeaderElection;
using Knet.Tests.System.Platform;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.System;

/// <summary>The API as its clients see it, the same in process and over HTTPS.</summary>
public sealed class ApiTests(SystemPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task TwoAppliers_ConflictUnlessForced(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var (first, second) = (platform.Client(via, "first"), platform.Client(via, "second"));
        await first.ApplyAsync(A.ConfigMap(ns, "shared", "a"), Stop);

        var refusal = await Assert.ThrowsAsync<KubeException>(() => second.Transport.SendAsync(Apply(ns, "second", "b", force: false), Stop));
        Assert.Equal((409, "Conflict"), (refusal.Code, refusal.Reason));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"first\": .data.key", refusal.Message);
        Assert.Equal("a", (await first.GetAsync<V1ConfigMap>(ns, "shared", Stop)).Data["key"]);

        await second.Transport.SendAsync(Apply(ns, "second", "b", force: true), Stop);
        Assert.Equal("b", (await first.GetAsync<V1ConfigMap>(ns, "shared", Stop)).Data["key"]);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task OldVersion_ConflictsAndNothingIsLost(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        var old = await client.CreateAsync(A.ConfigMap(ns, "map", "1"), Stop);
        await client.UpdateAsync(old with { Data = new Dictionary<string, string> { ["key"] = "2" } }, Stop);
        var refusal = await Assert.ThrowsAsync<KubeException>(() => client.UpdateAsync(old, Stop));
        Assert.True(refusal.IsConflict);
        Assert.Equal(
            "Operation cannot be fulfilled on configmaps \"map\": the object has been modified; please apply your changes to the latest version " +
            "and try again",
            refusal.Message);
        var again = await Assert.ThrowsAsync<KubeException>(() => client.CreateAsync(A.ConfigMap(ns, "map", "3"), Stop));
        Assert.True(again.IsAlreadyExists);
        Assert.Null(await client.FindAsync<V1ConfigMap>(ns, "none", Stop));
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task Watch_GoesOnWhereItWasLeft(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        var seen = await client.CreateAsync(A.ConfigMap(ns, "first", "1"), Stop);
        await client.CreateAsync(A.ConfigMap(ns, "second", "1"), Stop);
        await client.DeleteAsync<V1ConfigMap>(ns, "first", Stop);

        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<V1ConfigMap>())
        {
            Namespace = ns, FieldSelector = "metadata.name!=kube-root-ca.crt", ResourceVersion = seen.Metadata.ResourceVersion,
        };
        var events = new List<(WatchEventType, string)>();
        await foreach (var (kind, document) in client.Transport.WatchAsync(request, Stop))
        {
            events.Add((kind, document.Metadata.Name));
            if (events.Count == 2)
            {
                break;
            }
        }

        Assert.Equal([(WatchEventType.Added, "second"), (WatchEventType.Deleted, "first")], events);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task PagedList_IsOneConsistentState(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
        {
            var metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = name };
            await client.CreateAsync(new V1Secret { ApiVersion = "v1", Kind = "Secret", Metadata = metadata }, Stop);
        }

        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<V1Secret>()) { Namespace = ns, Limit = 2 };
        var page = await client.Transport.ListAsync(request, Stop);
        Assert.Equal((2, 3L), (page.Items.Count, page.Remaining));
        await client.DeleteAsync<V1Secret>(ns, "d", Stop);
        var names = page.Items.Select(i => i.Metadata.Name).ToList();
        var version = page.ResourceVersion;
        while (!string.IsNullOrEmpty(page.Continue))
        {
            page = await client.Transport.ListAsync(request with { Continue = page.Continue }, Stop);
            Assert.Equal(version, page.ResourceVersion);
            names.AddRange(page.Items.Select(i => i.Metadata.Name));
        }

        Assert.Equal(["a", "b", "c", "d", "e"], names);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task AccountWithoutRights_IsForbiddenWithKubernetesText(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var admin = platform.Client(via);
        await admin.CreateAsync(
            new V1ServiceAccount { ApiVersion = "v1", Kind = "ServiceAccount", Metadata = new() { NamespaceProperty = ns, Name = "poor" } }, Stop);
        var poor = await platform.AccountAsync(via, ns, "poor");

        var refusal = await Assert.ThrowsAsync<KubeException>(() => poor.ListAsync<V1Secret>(ns, Stop));
        Assert.Equal((403, "Forbidden"), (refusal.Code, refusal.Reason));
        Assert.Equal(
            $"secrets is forbidden: User \"system:serviceaccount:{ns}:poor\" cannot list resource \"secrets\" in API group \"\" " +
            $"in the namespace \"{ns}\"",
            refusal.Message);

        await admin.CreateAsync(Binding(ns, "poor", "view"), Stop);
        Assert.NotEmpty(await poor.ListAsync<V1ConfigMap>(ns, Stop));
        refusal = await Assert.ThrowsAsync<KubeException>(() => poor.CreateAsync(A.ConfigMap(ns, "mine", "1"), Stop));
        Assert.Equal(
            $"configmaps is forbidden: User \"system:serviceaccount:{ns}:poor\" cannot create resource \"configmaps\" in API group \"\" " +
            $"in the namespace \"{ns}\"",
            refusal.Message);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task DeletedNamespace_IsEmptiedFirst(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        await client.CreateAsync(A.ConfigMap(ns, "map", "1"), Stop);
        await client.CreateAsync(A.Service(ns, "app"), Stop);
        await client.UntilAsync<Api.Serving.V1.KnService>(ns, "app", A.Ready);

        await client.DeleteAsync<V1Namespace>("", ns, Stop);
        await client.UntilGoneAsync<V1Namespace>("", ns);
        Assert.Empty(await client.ListAsync<V1ConfigMap>(ns, Stop));
        Assert.Empty(await client.ListAsync<V1Pod>(ns, Stop));
        Assert.Empty(await client.ListAsync<Api.Serving.V1.KnRevision>(ns, Stop));
        var refusal = await Assert.ThrowsAsync<KubeException>(() => client.CreateAsync(A.ConfigMap(ns, "late", "1"), Stop));
        Assert.Equal($"namespaces \"{ns}\" not found", refusal.Message);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task Informer_FollowsEveryChange(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        await client.CreateAsync(A.ConfigMap(ns, "before", "1"), Stop);
        await using var informers = new InformerFactory(
            client.Transport, TimeProvider.System, NullLoggerFactory.Instance, new InformerOptions { Namespace = ns });
        var maps = informers.Get<V1ConfigMap>();
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = maps.Subscribe(change =>
        {
            if (change is { New: null, Key.Name: "before" })
            {
                gone.TrySetResult();
            }
        });
        informers.Start();
        await informers.WaitForSyncAsync(Stop);
        Assert.Equal("1", maps.Find(ns, "before")!.Data["key"]);

        await client.CreateAsync(A.ConfigMap(ns, "after", "2"), Stop);
        await client.DeleteAsync<V1ConfigMap>(ns, "before", Stop);
        await gone.Task.WaitAsync(Watching.Limit, TimeProvider.System, Stop);
        Assert.Null(maps.Find(ns, "before"));
        Assert.Equal("2", maps.Find(ns, "after")!.Data["key"]);
    }

    [Theory]
    [InlineData(Via.Process)]
    [InlineData(Via.Https)]
    public async Task OneOfTwoLeads_AndTheOtherTakesOver(Via via)
    {
        var ns = await platform.NewNamespaceAsync();
        using var firstStop = new CancellationTokenSource();
        using var secondStop = new CancellationTokenSource();
        var (firstLeads, secondLeads) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = Elector(via, ns, "first").RunAsync(stop => LeadAsync(firstLeads, stop), firstStop.Token);
        await firstLeads.Task.WaitAsync(Watching.Limit, TimeProvider.System, Stop);
        var second = Elector(via, ns, "second").RunAsync(stop => LeadAsync(secondLeads, stop), secondStop.Token);

        // Renewed, not taken over: while the first lives, the lease stays its own.
        var client = platform.Client(via);
        var lease = await client.GetAsync<V1Lease>(ns, "leader", Stop);
        await client.UntilAsync<V1Lease>(ns, "leader", l => l.Spec.RenewTime > lease.Spec.RenewTime + TimeSpan.FromSeconds(1.5));
        Assert.False(secondLeads.Task.IsCompleted);

        // Given back, or the second would have to wait for two minutes.
        await firstStop.CancelAsync();
        await first;
        await secondLeads.Task.WaitAsync(Watching.Limit, TimeProvider.System, Stop);
        lease = await client.GetAsync<V1Lease>(ns, "leader", Stop);
        Assert.Equal(("second", 1), (lease.Spec.HolderIdentity, lease.Spec.LeaseTransitions));
        await secondStop.CancelAsync();
        await second;
        lease = await client.GetAsync<V1Lease>(ns, "leader", Stop);
        Assert.Equal("", lease.Spec.HolderIdentity);
    }

    private static async Task LeadAsync(TaskCompletionSource leads, CancellationToken stop)
    {
        leads.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private LeaderElector Elector(Via via, string ns, string identity)
    {
        var options = new LeaderElectionOptions(ns, "leader", identity)
        {
            LeaseDuration = TimeSpan.FromMinutes(2), RenewDeadline = TimeSpan.FromMinutes(1), RetryPeriod = TimeSpan.FromMilliseconds(200),
        };
        return new LeaderElector(platform.Client(via, identity), options, TimeProvider.System, NullLogger.Instance);
    }

    private static KubeRequest Apply(string ns, string manager, string value, bool force) => new(KubeVerb.Patch, ResourceType.Of<V1ConfigMap>())
    {
        Namespace = ns, Name = "shared", Patch = PatchKind.Apply, FieldManager = manager, Force = force,
        Body = Encoding.UTF8.GetBytes(
            $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"shared"},"data":{"key":"{{{value}}}"}}"""),
    };

    private static V1RoleBinding Binding(string ns, string account, string role) => new()
    {
        ApiVersion = "rbac.authorization.k8s.io/v1",
        Kind = "RoleBinding",
        Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = account },
        RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = role },
        Subjects = [new Rbacv1Subject { Kind = "ServiceAccount", Name = account, NamespaceProperty = ns }],
    };
}
