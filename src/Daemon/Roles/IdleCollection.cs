namespace Knet.Daemon.Roles;

/// <summary>
/// Gives memory back to the machine once a burst is over: the collector itself only looks when something is allocated, and an idle daemon
/// would keep what the burst needed.
/// </summary>
/// <remarks>Driven by the collections themselves: a daemon that allocates nothing has no timer running.</remarks>
internal sealed class IdleCollection : IDisposable
{
    /// <summary>Without a collection for so long, the burst counts as over.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    /// <summary>So much must have been added since the last time: a full collection stops everything for tens of milliseconds.</summary>
    public const long Worthwhile = 64 << 20;

    private readonly Func<long> _committed;
    private readonly Action _collect;
    private readonly ITimer _timer;
    private long _before;
    private volatile bool _disposed;

    /// <param name="committed">Bytes that the heap holds of the machine.</param>
    /// <param name="collect">Collects everything, and returns what is free.</param>
    public IdleCollection(TimeProvider time, Func<long> committed, Action collect)
    {
        (_committed, _collect) = (committed, collect);
        _timer = time.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Follows this process' collector.</summary>
    public static IdleCollection Start(TimeProvider time)
    {
        var collection = new IdleCollection(
            time, () => GC.GetGCMemoryInfo().TotalCommittedBytes,
            () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));
        _ = new Sentinel(collection);
        return collection;
    }

    /// <summary>The collector has run.</summary>
    public void Collected()
    {
        if (!_disposed)
        {
            _timer.Change(Quiet, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
    }

    private void Fire()
    {
        if (_committed() - _before >= Worthwhile)
        {
            _collect();
            _before = _committed();
        }
    }

    /// <summary>Garbage from the start, so that its end tells of the next collection; it leaves a successor.</summary>
    private sealed class Sentinel(IdleCollection collection)
    {
        ~Sentinel()
        {
            if (!collection._disposed && !Environment.HasShutdownStarted)
            {
                collection.Collected();
                _ = new Sentinel(collection);
            }
        }
    }
}
