namespace Knet.Serving.Autoscaler;

/// <summary>One Revision's measurements, memory and last decision.</summary>
/// <remarks>All members under the scaler's own lock; none blocks.</remarks>
internal sealed class RevisionScaler
{
    private readonly Lock _gate = new();
    private readonly HashSet<Action> _wakes = [];
    private TimedBuckets _concurrency;
    private TimedBuckets _requests;
    private DelayWindow? _delay;
    private DeciderMemory _memory;
    private DeciderQuery _query;
    private ScaleDecision _decision;
    private double _reported;

    public RevisionScaler(DeciderQuery query, DateTimeOffset now)
    {
        _query = query;
        _concurrency = new TimedBuckets(Seconds(query.Spec.StableWindow));
        _requests = new TimedBuckets(_concurrency.Window);
        _memory = DeciderMemory.Start(query.ReadyPods, now);
        _decision = ScaleDecision.Initial(query.Spec);
        Follow(query);
    }

    public DeciderQuery Query
    {
        get
        {
            lock (_gate)
            {
                return _query;
            }
        }
    }

    /// <summary>The last decision, under this query from now on.</summary>
    public ScaleDecision Ask(DeciderQuery query, Action wake)
    {
        lock (_gate)
        {
            _wakes.Add(wake);
            if (_query != query)
            {
                Follow(query);
            }

            return _decision;
        }
    }

    /// <summary>The traffic of one second.</summary>
    /// <returns>The revision has traffic and no scale: it wants a decision at once.</returns>
    public bool Record(double concurrency, double requests, DateTimeOffset now)
    {
        lock (_gate)
        {
            // What a poke has reported already does not count twice.
            var known = _reported;
            _reported = 0;
            Add(Math.Max(0, concurrency - known), Math.Max(0, requests - known), now);
            return concurrency > 0 && _decision.DesiredScale == 0;
        }
    }

    /// <summary>A request came and found no instance: decide at once.</summary>
    /// <returns>Whether this led from no scale to some.</returns>
    public bool Poke(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_reported == 0)
            {
                _reported = 1;
                Add(1, 1, now);
            }
        }

        return Decide(now);
    }

    /// <summary>Decides anew and wakes those who asked when the outcome matters to them.</summary>
    /// <returns>Whether this led from no scale to some.</returns>
    public bool Decide(DateTimeOffset now)
    {
        Action[] wakes;
        var started = false;
        lock (_gate)
        {
            var second = now.ToUnixTimeSeconds();
            var buckets = _query.Spec.ByRequestsPerSecond ? _requests : _concurrency;
            if (buckets.IsEmpty(second))
            {
                return false;
            }

            var spec = _query.Spec;
            var seen = new Observation(
                buckets.Average(second, buckets.Window, spec.Algorithm),
                buckets.Average(second, Seconds(spec.PanicWindow), spec.Algorithm),
                _query.ReadyPods);
            var before = _decision;
            _decision = Decider.Decide(spec, seen, ref _memory, _delay, now);
            started = before.DesiredScale <= 0 && _decision.DesiredScale > 0;
            if (before.DesiredScale == _decision.DesiredScale && before.ExcessBurstCapacity < 0 == _decision.ExcessBurstCapacity < 0)
            {
                return false;
            }

            wakes = [.. _wakes];
        }

        foreach (var wake in wakes)
        {
            wake();
        }

        return started;
    }

    private static int Seconds(TimeSpan span) => (int)Math.Max(1, span.TotalSeconds);

    private void Follow(DeciderQuery query)
    {
        _query = query;
        var window = Seconds(query.Spec.StableWindow);
        if (window != _concurrency.Window)
        {
            (_concurrency, _requests) = (_concurrency.Resize(window), _requests.Resize(window));
        }

        if (_delay?.Length != query.Spec.ScaleDownDelay)
        {
            _delay = query.Spec.ScaleDownDelay > TimeSpan.Zero ? new DelayWindow(query.Spec.ScaleDownDelay) : null;
        }
    }

    private void Add(double concurrency, double requests, DateTimeOffset now)
    {
        var second = now.ToUnixTimeSeconds();
        _concurrency.Record(second, concurrency);
        _requests.Record(second, requests);
    }
}
