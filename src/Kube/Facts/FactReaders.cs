using Knet.Api.Meta;

namespace Knet.Kube.Facts;

/// <summary>Which facts the keys of one controller have asked for.</summary>
internal sealed class FactReaders(FactSources sources, Action<ObjectKey> wake)
{
    private readonly FactSources _sources = sources;
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Reader> _readers = [];

    public Reading Begin(ObjectKey key) => new(this, key);

    public void Forget(ObjectKey key)
    {
        Reader? reader;
        lock (_lock)
        {
            _readers.Remove(key, out reader);
        }

        reader?.ReleaseAllBut(null);
    }

    private Reader ReaderOf(ObjectKey key)
    {
        lock (_lock)
        {
            return _readers.TryGetValue(key, out var known) ? known : _readers[key] = new Reader(() => wake(key));
        }
    }

    /// <summary>The facts asked in one reconcile; nothing is kept for the many keys that ask none.</summary>
    public sealed class Reading(FactReaders readers, ObjectKey key)
    {
        private HashSet<(Type Value, object Query)>? _current;

        public Fact<TValue> Ask<TQuery, TValue>(TQuery query) where TQuery : notnull
        {
            var reader = readers.ReaderOf(key);
            (_current ??= []).Add((typeof(TValue), query));
            reader.Acquire<TQuery, TValue>(readers._sources, query);
            return readers._sources.Get<TQuery, TValue>().Ask(query, reader.Wake);
        }

        public void Commit()
        {
            Reader? reader;
            lock (readers._lock)
            {
                readers._readers.TryGetValue(key, out reader);
            }

            reader?.ReleaseAllBut(_current);
        }
    }

    private sealed class Reader(Action wake)
    {
        private readonly Dictionary<(Type Value, object Query), Action> _held = [];

        // The same delegate at every ask, so that a source may keep a set of them.
        public Action Wake { get; } = wake;

        public void Acquire<TQuery, TValue>(FactSources sources, TQuery query) where TQuery : notnull
        {
            if (_held.TryAdd((typeof(TValue), query), () => sources.Release<TQuery, TValue>(query)))
            {
                sources.Acquire<TValue>(query);
            }
        }

        public void ReleaseAllBut(HashSet<(Type Value, object Query)>? current)
        {
            foreach (var (fact, release) in _held)
            {
                if (current?.Contains(fact) != true)
                {
                    _held.Remove(fact);
                    release();
                }
            }
        }
    }
}
