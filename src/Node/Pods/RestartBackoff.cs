namespace Knet.Node.Pods;

/// <summary>
/// How long to wait before trying again: nothing the first time, then 10 s, doubled up to 300 s, forgotten after ten quiet minutes.
/// Kubelet's rule for crashed containers and failed pulls. Pure but for its own state.
/// </summary>
internal sealed class RestartBackoff(TimeSpan first, TimeSpan max)
{
    private TimeSpan _delay;
    private DateTimeOffset _last;

    public RestartBackoff()
        : this(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(300))
    {
    }

    /// <summary>What the next wait depends on, for <see cref="Restore"/>.</summary>
    public BackoffState State => new(_delay, _last);

    /// <summary>Goes on where another left off.</summary>
    public void Restore(BackoffState state) => (_delay, _last) = (state.Delay, state.Last);

    /// <summary>The wait that is due after a failure, counted from the failure; zero for the first.</summary>
    public TimeSpan Next(DateTimeOffset failedAt)
    {
        if (_last != default && failedAt - _last > 2 * max)
        {
            _delay = TimeSpan.Zero;
        }

        var due = _delay;
        _delay = _delay == TimeSpan.Zero ? first : _delay * 2 > max ? max : _delay * 2;
        _last = failedAt + due;
        return due;
    }
}

/// <param name="Delay">The next wait.</param>
/// <param name="Last">When the last one ended.</param>
internal sealed record BackoffState(TimeSpan Delay, DateTimeOffset Last);
