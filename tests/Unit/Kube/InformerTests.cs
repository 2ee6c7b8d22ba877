using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Kube;

public sealed class InformerTests : IAsyncDisposable
{
    private readonly FakeTransport _api = new();
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _seen = [];
    private Task _running = Task.CompletedTask;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FirstList_IsComplete_WhenSynced(bool initialEvents)
    {
        _api.RefuseInitialEvents = !initialEvents;
        _api.Put(Map("a"));
        _api.Put(Map("b"));
        var informer = await StartAsync();

        Assert.Equal(["a", "b"], informer.List().Select(m => m.Metadata.Name));
        Assert.Equal(initialEvents ? 0 : 1, _api.Lists);
        Assert.All(_seen, s => Assert.EndsWith("initial", s));
    }

    [Fact]
    public async Task Expired_RelistsAndTellsOnlyDifferences()
    {
        _api.Put(Map("changed"));
        _api.Put(Map("gone"));
        _api.Put(Map("same"));
        var informer = await StartAsync();
        _seen.Clear();
        _api.Deliver = false;
        _api.Remove<V1ConfigMap>("ns", "gone");
        _api.Put(Map("changed", "app", "new"));
        _api.Put(Map("added"));
        _api.Deliver = true;

        _api.EndWatches(KubeException.Of(410, "Expired", "too old resource version"));

        await FakeTransport.Until(() => informer.Find("ns", "added") is not null && _seen.Count == 3);
        Assert.Equal(["added added", "changed changed", "gone gone"], _seen.Order());
    }

    [Fact]
    public async Task OrdinaryEnd_WatchesOnFromTheLastVersion()
    {
        var informer = await StartAsync();
        _api.EndWatches(null);
        await FakeTransport.Until(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            _api.Put(Map("later"));
            return informer.Find("ns", "later") is not null;
        });
    }

    [Fact]
    public async Task Indexes_FollowChanges()
    {
        var informer = await StartAsync();
        var owned = Map("a", "app", "x");
        owned.Metadata.OwnerReferences = [new V1OwnerReference { Controller = true, Uid = "owner", Name = "o", Kind = "K",
            ApiVersion = "v1" }];
        _api.Put(owned);
        await FakeTransport.Until(() => informer.Count == 1);
        Assert.Single(informer.Labelled("ns", "app", "x"));
        Assert.Single(informer.Labelled("", "app", "x"));
        Assert.Single(informer.Owned("owner"));
        Assert.Empty(informer.Labelled("other", "app", "x"));

        var changed = _api.Put(Map("a", "app", "y") is var m ? m with { Metadata = m.Metadata } : null!);
        await FakeTransport.Until(() => informer.Labelled("ns", "app", "y").Count == 1);
        Assert.Empty(informer.Labelled("ns", "app", "x"));
        Assert.Empty(informer.Owned("owner"));
        Assert.NotNull(informer.FindByUid(changed.Metadata.Uid));

        _api.Remove<V1ConfigMap>("ns", "a");
        await FakeTransport.Until(() => informer.Count == 0);
        Assert.Empty(informer.Labelled("ns", "app", "y"));
        Assert.Null(informer.FindByUid(changed.Metadata.Uid));
    }

    [Fact]
    public async Task Offer_ShowsOwnWriteAtOnce_AndIgnoresTheOld()
    {
        var informer = await StartAsync();
        _api.Deliver = false;
        var first = _api.Put(Map("a"));
        var second = _api.Put(Map("a", "app", "new"));

        informer.Offer(KubeDocument.From(second));
        informer.Offer(KubeDocument.From(first));   // older than what the cache has, though newer than the watch

        Assert.Equal("new", informer.Find("ns", "a")!.Metadata.Labels["app"]);
    }

    [Fact]
    public async Task Offer_OfWhatTheWatchHasPassed_DoesNotResurrect()
    {
        var informer = await StartAsync();
        var made = _api.Put(Map("a"));
        _api.Remove<V1ConfigMap>("ns", "a");
        await FakeTransport.Until(() => _seen.Contains("a gone"));

        informer.Offer(KubeDocument.From(made));

        Assert.Null(informer.Find("ns", "a"));
    }

    [Fact]
    public async Task LateSubscriber_IsToldOfWhatIsThere()
    {
        _api.Put(Map("a"));
        var informer = await StartAsync();
        var told = new List<string>();
        informer.Subscribe(c => told.Add(c.Key.Name + (c.Initial ? " initial" : ""))).Dispose();

        Assert.Equal(["a initial"], told);
    }

    [Fact]
    public async Task Recover_SaysWhereToGoOn()
    {
        var machine = new WatchMachine(_api, Knet.Api.Meta.ResourceType.Of<V1ConfigMap>(), new InformerOptions(), NoSink.Instance, _time,
            NullLogger.Instance);
        var listed = new InformerState.InitListed("7");
        var watching = Assert.IsType<InformerState.Watching>(await machine.StepAsync(listed, CancellationToken.None));

        Assert.Equal(listed, await machine.RecoverAsync(watching, new IOException("reset")));
        Assert.Equal(new InformerState.Empty(), await machine.RecoverAsync(listed, KubeException.Of(410, "Expired", "too old")));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    internal static V1ConfigMap Map(string name, string? label = null, string? value = null) => new()
    {
        ApiVersion = "v1",
        Kind = "ConfigMap",
        Metadata = new V1ObjectMeta
        {
            Name = name, NamespaceProperty = "ns", Labels = label is null ? null : new Dictionary<string, string> { [label] = value! },
        },
    };

    private async Task<Informer<V1ConfigMap>> StartAsync()
    {
        var informer = new Informer<V1ConfigMap>(_api, _time, NullLogger.Instance);
        informer.Subscribe(c => _seen.Add($"{c.Key.Name} {(c.Initial ? "initial" : c.Old is null ? "added" : c.New is null ? "gone" : "changed")}"));
        _running = informer.RunAsync(_stop.Token);
        var synced = informer.WaitForSyncAsync(CancellationToken.None);
        await FakeTransport.Until(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            return synced.IsCompleted;
        });
        return informer;
    }

    private sealed class NoSink : IWatchSink
    {
        public static NoSink Instance { get; } = new();

        public void Replace(IReadOnlyCollection<KubeDocument> documents, string resourceVersion)
        {
        }

        public void Apply(KubeWatchEvent change)
        {
        }
    }
}
