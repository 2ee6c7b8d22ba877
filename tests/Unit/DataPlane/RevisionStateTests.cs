using Knet.DataPlane;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Breaker;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Stats;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.DataPlane;

public sealed class RevisionStateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RevisionStates _states;
    private readonly List<string> _starved = [];

    public RevisionStateTests()
    {
        _states = new RevisionStates(new NoDialer(), new DataPlaneOptions { QueueDepthMax = 3 }, new ColdStarts(_time), _time);
        _states.Starved += (ns, name) => _starved.Add($"{ns}/{name}");
    }

    [Fact]
    public async Task Enter_WithoutInstance_StarvesOnceAndAllEnterWhenOneIsReady()
    {
        var revision = Configure(0);
        Assert.Null(revision.TryEnter());
        var waiting = new[] { Wait(revision), Wait(revision), Wait(revision) };
        Assert.Equal(["ns/r"], _starved);

        Ready("a", "10.0.0.1");
        foreach (var admission in await Task.WhenAll(waiting))
        {
            Assert.Equal("10.0.0.1", admission.Instance!.Address);
        }

        Assert.Equal(3, revision.TryEnter()!.InFlight - 1);
    }

    [Fact]
    public async Task Enter_QueueFull_IsRefusedAtOnce()
    {
        var revision = Configure(0);
        var waiting = new[] { Wait(revision), Wait(revision), Wait(revision) };
        var refused = await Wait(revision);
        Assert.Equal(AdmissionResult.QueueFull, refused.Result);
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
    }

    [Fact]
    public async Task Enter_ClientGoesAway_LeavesTheQueueAndMakesRoom()
    {
        var revision = Configure(0);
        using var aborted = new CancellationTokenSource();
        var gone = revision.EnterAsync(aborted.Token, default).AsTask();
        var stays = Wait(revision);
        await aborted.CancelAsync();
        Assert.Equal(AdmissionResult.Canceled, (await gone).Result);
        Assert.Equal(1, revision.Waiting);
        Ready("a", "10.0.0.1");
        Assert.Equal(AdmissionResult.Entered, (await stays).Result);
    }

    [Fact]
    public async Task Enter_WithLimit_FillsEverySlotThenWaitsInOrder()
    {
        var revision = Configure(2);
        Ready("a", "10.0.0.1");
        Ready("b", "10.0.0.2");
        var inside = Enumerable.Range(0, 4).Select(_ => revision.TryEnter()!).ToArray();
        Assert.Equal(2, inside.Count(i => i.Address == "10.0.0.1"));
        Assert.Null(revision.TryEnter());

        var first = Wait(revision);
        var second = Wait(revision);
        revision.Leave(inside[0]);
        Assert.Same(inside[0], (await first).Instance);
        Assert.False(second.IsCompleted);
        revision.Leave(inside[3]);
        Assert.Equal(AdmissionResult.Entered, (await second).Result);
        Assert.Empty(_starved);
    }

    [Fact]
    public async Task Draining_TakesNothingNewAndWaitsForTheRest()
    {
        var revision = Configure(0);
        Ready("a", "10.0.0.1");
        var inside = revision.TryEnter()!;
        var idle = _states.WaitIdleAsync("10.0.0.1", default);
        Assert.Null(revision.TryEnter());
        Assert.False(idle.IsCompleted);
        revision.Leave(inside);
        await idle;

        var next = Wait(revision);
        Ready("b", "10.0.0.2");
        Assert.Equal("10.0.0.2", (await next).Instance!.Address);
    }

    [Fact]
    public async Task LastInstanceGoes_WhileRequestsWait_StarvesAgain()
    {
        var revision = Configure(1);
        Ready("a", "10.0.0.1");
        var inside = revision.TryEnter()!;
        var waiting = Wait(revision);
        Assert.Empty(_starved);
        _states.SetInstance("ns", "r", "a", "10.0.0.1", InstancePhase.Draining);
        Assert.Equal(["ns/r"], _starved);
        revision.Leave(inside);
        Assert.False(waiting.IsCompleted);
        _states.Remove("ns", "r");
        Assert.Equal(AdmissionResult.Gone, (await waiting).Result);
    }

    [Fact]
    public void PodBeforeRevision_IsUsedOnceTheRevisionIsKnown()
    {
        Ready("a", "10.0.0.1");
        var revision = _states.Find("ns", "r")!;
        Assert.Null(revision.TryEnter());
        Configure(0);
        Assert.NotNull(revision.TryEnter());
    }

    [Fact]
    public void DeletedAndMadeAgain_RoutesFollow()
    {
        var backend = new Knet.DataPlane.Routing.RevisionBackend(_states, "ns", "r");
        var old = Configure(0);
        Assert.Same(old, backend.Revision);
        _states.Remove("ns", "r");
        _states.SetInstance("ns", "r", "a", "10.0.0.1", InstancePhase.Draining);
        Assert.Same(old, backend.Revision);
        Assert.True(backend.Revision.IsGone);
        Assert.Same(Configure(0), backend.Revision);
        Assert.False(backend.Revision.IsGone);
    }

    [Fact]
    public async Task Enter_Pinned_TakesThatInstanceOnly()
    {
        var revision = Configure(1);
        Ready("a", "10.0.0.1");
        Ready("b", "10.0.0.2");
        Assert.True(_states.TryFindInstance("10.0.0.2", out _, out var b));
        Assert.Same(b, (await revision.EnterAsync(b, default, default)).Instance);
        var again = revision.EnterAsync(b, default, default).AsTask();
        Assert.False(again.IsCompleted);
        revision.Leave(b);
        Assert.Same(b, (await again).Instance);
    }

    [Fact]
    public void EnterAndLeave_AllocateNothing()
    {
        var revision = Configure(10);
        Ready("a", "10.0.0.1");
        Ready("b", "10.0.0.2");
        Pass(revision, 1_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Pass(revision, 10_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256);
    }

    [Fact]
    public void Collect_AveragesConcurrencyOverTheInterval()
    {
        var revision = Configure(0);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        revision.Traffic.Enter();
        _time.Advance(TimeSpan.FromMilliseconds(300));
        revision.Traffic.Enter();
        _time.Advance(TimeSpan.FromMilliseconds(250));
        revision.Traffic.Leave();
        _time.Advance(TimeSpan.FromMilliseconds(250));

        // 0.2 s with none, 0.3 s with one, 0.25 s with two, 0.25 s with one.
        var samples = new List<RevisionSample>();
        _states.Collect(samples);
        var sample = Assert.Single(samples);
        Assert.Equal(1.05, sample.AverageConcurrency, 0.001);
        Assert.Equal(2, sample.RequestCount);

        _time.Advance(TimeSpan.FromSeconds(1));
        samples.Clear();
        _states.Collect(samples);
        Assert.Equal(1, Assert.Single(samples).AverageConcurrency, 0.001);
        revision.Traffic.Leave();
        _states.Collect([]);
        _time.Advance(TimeSpan.FromSeconds(1));
        samples.Clear();
        _states.Collect(samples);
        Assert.Empty(samples);
    }

    private static void Pass(RevisionState revision, int count)
    {
        for (var i = 0; i < count; i++)
        {
            revision.Traffic.Enter();
            revision.Leave(revision.TryEnter()!);
            revision.Traffic.Leave();
        }
    }

    private static Task<Admission> Wait(RevisionState revision) => revision.EnterAsync(default, default).AsTask();

    private RevisionState Configure(int concurrency)
    {
        _states.Configure("ns", "r", new RevisionSettings { ContainerConcurrency = concurrency });
        return _states.Find("ns", "r")!;
    }

    private void Ready(string pod, string address) => _states.SetInstance("ns", "r", pod, address, InstancePhase.Ready);

    private sealed class NoDialer : IInstanceDialer
    {
        public ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no test dials");
    }
}
