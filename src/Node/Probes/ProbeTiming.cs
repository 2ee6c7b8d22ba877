using k8s.Models;

namespace Knet.Node.Probes;

/// <summary>A probe's numbers with Kubernetes' defaults, and the counting of its results. Changed by one loop only.</summary>
internal sealed class ProbeTiming(V1Probe probe, bool initially)
{
    private int _streak;
    private bool? _streakOf;

    public TimeSpan InitialDelay { get; } = TimeSpan.FromSeconds(probe.InitialDelaySeconds ?? 0);
    public TimeSpan Period { get; } = TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds is null or 0 ? 10 : probe.PeriodSeconds.Value));
    public TimeSpan Timeout { get; } = TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds ?? 1));
    public int SuccessThreshold { get; } = Math.Max(1, probe.SuccessThreshold ?? 1);
    public int FailureThreshold { get; } = Math.Max(1, probe.FailureThreshold is null or 0 ? 3 : probe.FailureThreshold.Value);

    /// <summary>What is believed now.</summary>
    public bool Holds { get; private set; } = initially;

    /// <summary>Counts a result; true when it (again) reaches the threshold of its kind.</summary>
    public bool Count(bool success)
    {
        _streak = _streakOf == success ? _streak + 1 : 1;
        _streakOf = success;
        if (_streak < (success ? SuccessThreshold : FailureThreshold))
        {
            return false;
        }

        Holds = success;
        return true;
    }

    /// <summary>
    /// The wait before the next look of a probe that asks as fast as sensible (periodSeconds 0): every 2 ms in the first 100 ms, then
    /// longer, up to 50 ms.
    /// </summary>
    public static TimeSpan EagerDelay(TimeSpan since) => TimeSpan.FromMilliseconds(since.TotalMilliseconds switch
    {
        < 100 => 2,
        < 500 => 5,
        < 2000 => 10,
        < 10000 => 25,
        _ => 50,
    });
}
