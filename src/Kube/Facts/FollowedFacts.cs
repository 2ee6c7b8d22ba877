namespace Knet.Kube.Facts;

/// <summary>
/// Facts that are found in the background and looked for again after a failure, as long as some key waits for them. Each is found once,
/// however often it is asked.
/// </summary>
/// <param name="firstWait">The pause after a failure; it doubles up to <paramref name="longestWait"/>.</param>
/// <param name="longestWait">The longest pause.</param>
/// <param name="time">The clock of the pauses.</param>
public abstract class FollowedFacts<TQuery, TValue>(TimeSpan firstWait, TimeSpan longestWait, TimeProvider time)
    : IFactSource<TQuery, TValue>, IDisposable
    where TQuery : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TQuery, Entry> _entries = [];

    /// <summary>The clock of the pauses, for limits of the derived class.</summary>
    protected TimeProvider Time { get; } = time;

    public Fact<TValue> Ask(TQuery query, Action wake)
    {
        Entry entry;
        lock (_lock)
        {
            if (_entries.TryGetValue(query, out var known))
            {
                known.Wakes.Add(wake);
                return known.State;
            }

            entry = new Entry();
            entry.Wakes.Add(wake);
            _entries[query] = entry;
            if (AtOnce(query) is { } answer)
            {
                return entry.State = answer;
            }
        }

        _ = FollowAsync(query, entry);
        return Fact<TValue>.Pending.Instance;
    }

    public void Forget(TQuery query)
    {
        Entry? entry;
        lock (_lock)
        {
            _entries.Remove(query, out entry);
        }

        entry?.Stop.Cancel();
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        lock (_lock)
        {
            foreach (var entry in _entries.Values)
            {
                entry.Stop.Cancel();
            }

            _entries.Clear();
        }
    }

    /// <summary>The answer when it can be given without waiting; null when it is to be looked for.</summary>
    protected virtual Fact<TValue>? AtOnce(TQuery query) => null;

    /// <summary>Looks once. Throws only when its token is cancelled: what went wrong is <see cref="Fact{T}.Failed"/>.</summary>
    protected abstract Task<Fact<TValue>> FindAsync(TQuery query, CancellationToken stop);

    private async Task FollowAsync(TQuery query, Entry entry)
    {
        // The asking reconcile goes on at once, whatever is done before the first wait.
        await Task.Yield();
        var wait = firstWait;
        try
        {
            while (true)
            {
                var answer = await FindAsync(query, entry.Stop.Token);
                Publish(entry, answer);
                if (answer is Fact<TValue>.Known)
                {
                    return;
                }

                await Task.Delay(wait, Time, entry.Stop.Token);
                wait = wait * 2 < longestWait ? wait * 2 : longestWait;
            }
        }
        catch (OperationCanceledException) when (entry.Stop.IsCancellationRequested)
        {
            // Nobody asks any more.
        }
    }

    private void Publish(Entry entry, Fact<TValue> answer)
    {
        Action[] wakes;
        lock (_lock)
        {
            if (entry.State.Equals(answer))
            {
                return;
            }

            entry.State = answer;
            wakes = [.. entry.Wakes];
        }

        Array.ForEach(wakes, wake => wake());
    }

    private sealed class Entry
    {
        public Fact<TValue> State { get; set; } = Fact<TValue>.Pending.Instance;
        public HashSet<Action> Wakes { get; } = [];
        public CancellationTokenSource Stop { get; } = new();
    }
}
