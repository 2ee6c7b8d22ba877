namespace Knet.Kube.WorkQueue;

/// <summary>Which of the two lines of a <see cref="WorkQueue{TKey}"/> a key waits in.</summary>
public enum WorkPriority
{
    /// <summary>The initial list and resyncs: taken only when nothing normal waits.</summary>
    Low,

    /// <summary>Changes.</summary>
    Normal,
}

/// <summary>
/// How long a failing key waits: doubled from <see cref="BackoffMin"/> at each failure in a row up to <see cref="BackoffMax"/>.
/// </summary>
public sealed record WorkQueueOptions
{
    /// <summary>Default 5 ms, as client-go.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Default 1000 s, as client-go.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(1000);
}

/// <summary>
/// Keys waiting to be worked on. A key waits at most once however often it is added; a key added while somebody works on it waits
/// again after <see cref="Done"/>, so that no two workers ever have the same key. Delayed keys: the earliest time wins.
/// </summary>
/// <remarks>All members may be called from any thread; none blocks.</remarks>
public sealed class WorkQueue<TKey> : IDisposable where TKey : notnull
{
    // A timer cannot be set for longer than about 49 days: what is due later is looked at in between.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(30);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly WorkQueueOptions _options;
    private readonly ITimer _timer;
    private readonly Dictionary<TKey, WorkPriority> _dirty = [];
    private readonly HashSet<TKey> _processing = [];
    private readonly Queue<TKey> _normal = [];
    private readonly Queue<TKey> _low = [];
    private readonly Queue<TaskCompletionSource<TKey>> _waiters = [];
    private readonly Dictionary<TKey, long> _due = [];
    private readonly PriorityQueue<TKey, long> _delayed = new();
    private readonly Dictionary<TKey, int> _failures = [];
    private long _armed = long.MaxValue;

    public WorkQueue(TimeProvider time, WorkQueueOptions? options = null)
    {
        _time = time;
        _options = options ?? new WorkQueueOptions();
        _timer = time.CreateTimer(static queue => ((WorkQueue<TKey>)queue!).Fire(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Keys waiting or due later; those being worked on do not count.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _dirty.Count + _due.Count;
            }
        }
    }

    public void Add(TKey key, WorkPriority priority = WorkPriority.Normal)
    {
        lock (_lock)
        {
            AddLocked(key, priority);
        }
    }

    /// <summary>Adds the key after a delay, unless it is due sooner already. Zero or less adds it at once.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        lock (_lock)
        {
            if (delay <= TimeSpan.Zero)
            {
                AddLocked(key, WorkPriority.Normal);
                return;
            }

            var now = _time.GetUtcNow().UtcTicks;
            var due = delay.Ticks < DateTime.MaxValue.Ticks - now ? now + delay.Ticks : DateTime.MaxValue.Ticks;
            if (_due.TryGetValue(key, out var sooner) && sooner <= due)
            {
                return;
            }

            _due[key] = due;
            _delayed.Enqueue(key, due);
            Arm();
        }
    }

    /// <summary>Adds the key after its back-off, which grows with each call until <see cref="Forget"/>. Returns the delay.</summary>
    public TimeSpan AddRateLimited(TKey key)
    {
        TimeSpan delay;
        lock (_lock)
        {
            var failures = _failures.GetValueOrDefault(key);
            _failures[key] = failures + 1;
            delay = TimeSpan.FromTicks((long)Math.Min(_options.BackoffMax.Ticks, _options.BackoffMin.Ticks * Math.Pow(2, failures)));
        }

        AddAfter(key, delay);
        return delay;
    }

    /// <summary>How often in a row the key was added with a back-off.</summary>
    public int Failures(TKey key)
    {
        lock (_lock)
        {
            return _failures.GetValueOrDefault(key);
        }
    }

    /// <summary>The key is well: its next back-off begins anew.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            _failures.Remove(key);
        }
    }

    /// <summary>The next key; whoever takes it must call <see cref="Done"/>.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while waiting.</exception>
    public ValueTask<TKey> TakeAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource<TKey> waiter;
        lock (_lock)
        {
            if (TryDequeue(_normal, WorkPriority.Normal, out var key) || TryDequeue(_low, WorkPriority.Low, out key))
            {
                return new ValueTask<TKey>(key);
            }

            waiter = new TaskCompletionSource<TKey>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Enqueue(waiter);
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(waiter, cancellationToken) : new ValueTask<TKey>(waiter.Task);
    }

    /// <summary>Work on the key has ended; if it was added meanwhile it waits again.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            _processing.Remove(key);
            if (_dirty.TryGetValue(key, out var priority))
            {
                Enqueue(key, priority);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private static async ValueTask<TKey> WaitAsync(TaskCompletionSource<TKey> waiter, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.Register(
            static (state, token) => ((TaskCompletionSource<TKey>)state!).TrySetCanceled(token), waiter);
        return await waiter.Task;
    }

    private void AddLocked(TKey key, WorkPriority priority)
    {
        if (_dirty.TryGetValue(key, out var known) && known >= priority)
        {
            return;
        }

        _dirty[key] = priority;
        if (!_processing.Contains(key))
        {
            Enqueue(key, priority);
        }
    }

    // A key that rose from low to normal stays in the low line too: TryDequeue skips what no longer has the line's priority.
    private void Enqueue(TKey key, WorkPriority priority)
    {
        while (_waiters.TryDequeue(out var waiter))
        {
            if (waiter.TrySetResult(key))
            {
                _dirty.Remove(key);
                _processing.Add(key);
                return;
            }
        }

        (priority == WorkPriority.Normal ? _normal : _low).Enqueue(key);
    }

    private bool TryDequeue(Queue<TKey> line, WorkPriority priority, out TKey key)
    {
        while (line.TryDequeue(out key!))
        {
            if (_dirty.TryGetValue(key, out var actual) && actual == priority && !_processing.Contains(key))
            {
                _dirty.Remove(key);
                _processing.Add(key);
                return true;
            }
        }

        return false;
    }

    private void Fire()
    {
        lock (_lock)
        {
            _armed = long.MaxValue;
            var now = _time.GetUtcNow().UtcTicks;
            while (_delayed.TryPeek(out var key, out var due) && due <= now)
            {
                _delayed.Dequeue();
                if (_due.TryGetValue(key, out var actual) && actual == due)
                {
                    _due.Remove(key);
                    AddLocked(key, WorkPriority.Normal);
                }
            }

            Arm();
        }
    }

    private void Arm()
    {
        if (_delayed.TryPeek(out _, out var next) && next < _armed)
        {
            _armed = next;

            // Timers count whole milliseconds: rounding down would fire early and spin until the rest has passed.
            var wait = TimeSpan.FromTicks(Math.Clamp(next - _time.GetUtcNow().UtcTicks, 0, LongestTimer.Ticks));
            _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
        }
    }
}
