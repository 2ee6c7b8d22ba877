namespace Knet.Serving.Autoscaler;

/// <summary>What a decider remembers of a Revision between decisions.</summary>
/// <param name="PanicSince">The last moment that called for panic; null when calm.</param>
/// <param name="PanicPeak">The most pods wanted in this panic.</param>
internal readonly record struct DeciderMemory(DateTimeOffset? PanicSince, int PanicPeak)
{
    /// <summary>A decider that finds several pods (a restart of the autoscaler) begins in panic, so as not to shrink at once.</summary>
    public static DeciderMemory Start(int readyPods, DateTimeOffset now) => readyPods > 1 ? new(now, readyPods) : default;
}

/// <summary>What was measured.</summary>
/// <param name="Stable">The average over the stable window.</param>
/// <param name="Panic">The average over the panic window.</param>
internal readonly record struct Observation(double Stable, double Panic, int ReadyPods);

/// <summary>Upstream's scaling algorithm (serving.md 12.2). Pure.</summary>
internal static class Decider
{
    /// <param name="delay">The scales wanted lately; null without a scale-down delay.</param>
    public static ScaleDecision Decide(
        DeciderSpec spec, Observation seen, ref DeciderMemory memory, DelayWindow? delay, DateTimeOffset now)
    {
        var ready = Math.Max(1.0, seen.ReadyPods);
        var wantStable = Math.Ceiling(seen.Stable / spec.TargetValue);
        var wantPanic = Math.Ceiling(seen.Panic / spec.TargetValue);
        var most = Math.Ceiling(spec.MaxScaleUpRate * ready);
        var least = spec.Reachable ? Math.Floor(ready / spec.MaxScaleDownRate) : 0;
        var desired = Bound(wantStable, least, most, spec.ActivationScale);
        var desiredInPanic = Bound(wantPanic, least, most, spec.ActivationScale);

        memory = Feel(memory, wantPanic / ready >= spec.PanicThreshold, spec.StableWindow, now);
        if (memory.PanicSince is not null)
        {
            desired = Math.Max(Math.Max(desired, desiredInPanic), memory.PanicPeak);
            memory = memory with { PanicPeak = desired };
        }

        if (delay is not null && spec.Reachable)
        {
            desired = delay.Most(desired, now);
        }

        return new ScaleDecision(desired, Excess(spec, seen));
    }

    private static int Bound(double wanted, double least, double most, int activationScale)
    {
        var bounded = (int)Math.Min(Math.Min(Math.Max(wanted, least), most), int.MaxValue);
        return wanted > 0 && activationScale > 1 ? Math.Max(bounded, activationScale) : bounded;
    }

    private static DeciderMemory Feel(DeciderMemory memory, bool alarmed, TimeSpan calmAfter, DateTimeOffset now)
    {
        if (alarmed)
        {
            return memory with { PanicSince = now };
        }

        return memory.PanicSince is { } since && since + calmAfter < now ? default : memory;
    }

    private static int Excess(DeciderSpec spec, Observation seen) => spec.TargetBurstCapacity switch
    {
        0 => 0,
        > 0 => (int)Math.Floor((seen.ReadyPods * spec.TotalValue) - spec.TargetBurstCapacity - seen.Panic),
        _ => -1,
    };
}

/// <summary>The scales wanted within a time, of which the largest counts.</summary>
internal sealed class DelayWindow(TimeSpan length)
{
    private readonly Queue<(DateTimeOffset At, int Scale)> _wanted = new();

    public TimeSpan Length { get; } = length;

    /// <summary>Adds a scale and returns the largest of the window.</summary>
    public int Most(int scale, DateTimeOffset now)
    {
        while (_wanted.TryPeek(out var oldest) && now - oldest.At >= Length)
        {
            _wanted.Dequeue();
        }

        _wanted.Enqueue((now, scale));
        return _wanted.Max(w => w.Scale);
    }
}
