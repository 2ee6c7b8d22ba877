using Knet.Serving.Autoscaler;
using Xunit;

namespace Knet.Tests.Unit.Serving.Autoscaler;

/// <summary>Rows worked out by hand from the formulas of serving.md 12.2.</summary>
public sealed class DeciderTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DeciderSpec Spec = new()
    {
        TotalValue = 100,
        TargetValue = 70,
        TargetBurstCapacity = 211,
        MaxScaleUpRate = 10,
        MaxScaleDownRate = 2,
        PanicThreshold = 2,
        StableWindow = TimeSpan.FromSeconds(60),
        PanicWindow = TimeSpan.FromSeconds(6),
        InitialScale = 1,
    };

    [Theory]
    [InlineData(0, 0, 0, 0, -211)] // nothing to do: floor(1/2) = 0 pods may stay
    [InlineData(0.0167, 0.1667, 0, 1, -212)] // one request in a minute wants a pod
    [InlineData(71, 71, 1, 2, -182)] // ceil(71/70)
    [InlineData(10, 10, 10, 5, 779)] // down no faster than to half
    [InlineData(10_000, 10_000, 3, 30, -9911)] // up no faster than tenfold
    public void Decide_FromCalm_FollowsTheFormulas(double stable, double panic, int ready, int desired, int excess)
    {
        var memory = default(DeciderMemory);
        var decision = Decider.Decide(Spec, new Observation(stable, panic, ready), ref memory, null, Now);
        Assert.Equal(new ScaleDecision(desired, excess), decision);
    }

    [Fact]
    public void Decide_Panic_HoldsTheHighestScaleUntilAWindowAfterTheLastAlarm()
    {
        var memory = default(DeciderMemory);
        Assert.Equal(3, At(0, 70, 210, 1, ref memory));
        Assert.NotNull(memory.PanicSince);
        Assert.Equal(3, At(10, 70, 70, 3, ref memory));
        Assert.Equal(7, At(20, 70, 490, 3, ref memory));
        Assert.Equal(7, At(80, 70, 70, 7, ref memory));
        Assert.Equal(3, At(81, 70, 70, 7, ref memory));
        Assert.Null(memory.PanicSince);
    }

    [Fact]
    public void Decide_FirstWithSeveralPods_BeginsInPanic()
    {
        var memory = DeciderMemory.Start(5, Now);
        Assert.Equal(5, At(1, 0, 0, 5, ref memory));
        Assert.Equal(default, DeciderMemory.Start(1, Now));
    }

    [Fact]
    public void Decide_Unreachable_MayGoDownAtOnce()
    {
        var memory = default(DeciderMemory);
        var decision = Decider.Decide(Spec with { Reachable = false }, new Observation(0, 0, 10), ref memory, null, Now);
        Assert.Equal(0, decision.DesiredScale);
    }

    [Fact]
    public void Decide_ActivationScale_LiftsAnythingButZero()
    {
        var memory = default(DeciderMemory);
        var spec = Spec with { ActivationScale = 4 };
        Assert.Equal(4, Decider.Decide(spec, new Observation(1, 1, 0), ref memory, null, Now).DesiredScale);
        memory = default;
        Assert.Equal(0, Decider.Decide(spec, new Observation(0, 0, 1), ref memory, null, Now).DesiredScale);
    }

    [Fact]
    public void Decide_ScaleDownDelay_KeepsTheMostOfTheWindow()
    {
        var memory = default(DeciderMemory);
        var delay = new DelayWindow(TimeSpan.FromSeconds(10));
        int Ask(int second, double load) =>
            Decider.Decide(Spec, new Observation(load, load, 4), ref memory, delay, Now.AddSeconds(second)).DesiredScale;
        Assert.Equal(4, Ask(0, 280));
        Assert.Equal(4, Ask(2, 150));
        Assert.Equal(4, Ask(8, 150));
        Assert.Equal(3, Ask(10, 150));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, -1)]
    [InlineData(211, -111)]
    public void Initial_BurstCapacity_DecidesTheExcess(double burst, int excess) =>
        Assert.Equal(new ScaleDecision(-1, excess), ScaleDecision.Initial(Spec with { TargetBurstCapacity = burst }));

    private static int At(int second, double stable, double panic, int ready, ref DeciderMemory memory) =>
        Decider.Decide(Spec, new Observation(stable, panic, ready), ref memory, null, Now.AddSeconds(second)).DesiredScale;
}
