using Knet.DataPlane.Stats;
using Knet.Kube.Facts;
using Knet.Serving.Autoscaler;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Serving.Autoscaler;

public sealed class ScaleDecisionsTests : IDisposable
{
    private static readonly DeciderSpec Spec = new()
    {
        TotalValue = 100, TargetValue = 70, TargetBurstCapacity = 211, MaxScaleUpRate = 1000, MaxScaleDownRate = 2, PanicThreshold = 2,
        StableWindow = TimeSpan.FromSeconds(6), PanicWindow = TimeSpan.FromSeconds(1), InitialScale = 1,
    };

    private readonly FakeTimeProvider _time = new();
    private readonly FakeStats _stats = new();
    private readonly ScaleDecisions _decisions;
    private int _woken;

    public ScaleDecisionsTests() => _decisions = new ScaleDecisions(_stats, new ColdStarts(_time), _time, NullLoggerFactory.Instance);

    [Fact]
    public void Poke_AtZero_DecidesAtOnceAndWakes()
    {
        Ask(0);
        Seconds(8);
        Assert.Equal(0, Ask(0).DesiredScale);
        var woken = _woken;
        _stats.Starve("ns", "r");
        Assert.Equal(woken + 1, _woken);
        Assert.Equal(1, Ask(0).DesiredScale);
    }

    [Fact]
    public void Poke_ThenTheSampleOfTheSameRequest_CountsOnce()
    {
        // One request in four seconds is 0.25 at a time: one pod at 0.3 each; counted twice it would be two.
        var spec = Spec with { TargetValue = 0.3, PanicThreshold = 1000 };
        Ask(0, spec);
        Seconds(2);
        _stats.Starve("ns", "r");
        _stats.Next = [new RevisionSample("ns", "r", 1, 1)];
        Seconds(2);
        Assert.Equal(1, Ask(0, spec).DesiredScale);
    }

    [Fact]
    public void Traffic_AtZeroWithoutAPoke_DecidesWithTheNextSample()
    {
        Ask(0);
        Seconds(8);
        _stats.Next = [new RevisionSample("ns", "r", 150, 500)];
        Seconds(1);
        Assert.Equal(3, Ask(0).DesiredScale);
    }

    [Fact]
    public void NoTraffic_ForAWindow_WantsZero()
    {
        Ask(1);
        _stats.Next = [new RevisionSample("ns", "r", 10, 10)];
        Seconds(2);
        Assert.Equal(1, Ask(1).DesiredScale);
        Seconds(8);
        Assert.Equal(0, Ask(1).DesiredScale);
    }

    [Fact]
    public void Forget_AnOldForm_KeepsTheMeasurements()
    {
        var old = new DeciderQuery("ns", "r", Spec, 0);
        _decisions.Ask(old, Wake);
        Seconds(8);
        _decisions.Ask(old with { ReadyPods = 1 }, Wake);
        _decisions.Forget(old);
        Assert.Equal(0, Ask(1).DesiredScale);
        _decisions.Forget(old with { ReadyPods = 1 });
        Assert.Equal(-1, Ask(1).DesiredScale);
    }

    public void Dispose() => _decisions.Dispose();

    private ScaleDecision Ask(int ready, DeciderSpec? spec = null) =>
        Assert.IsType<Fact<ScaleDecision>.Known>(_decisions.Ask(new DeciderQuery("ns", "r", spec ?? Spec, ready), Wake)).Value;

    private void Wake() => _woken++;

    private void Seconds(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private sealed class FakeStats : IRevisionStats
    {
        public event Action<string, string>? Starved;

        /// <summary>Handed out once.</summary>
        public RevisionSample[] Next { get; set; } = [];

        public void Starve(string ns, string name) => Starved?.Invoke(ns, name);

        public void Collect(ICollection<RevisionSample> into)
        {
            foreach (var sample in Next)
            {
                into.Add(sample);
            }

            Next = [];
        }
    }
}
