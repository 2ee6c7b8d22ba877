using System.Collections.Concurrent;

namespace Knet.Kube.Facts;

/// <summary>The sources of facts, by the types of query and answer.</summary>
public sealed class FactSources
{
    private readonly ConcurrentDictionary<(Type Query, Type Value), object> _sources = new();

    // How many keys, of all controllers, ask a query: the last one to leave makes the source forget.
    private readonly Dictionary<(Type Value, object Query), int> _asked = [];
    private readonly Lock _lock = new();

    /// <summary>Registers the source of one kind of fact; before the controllers start.</summary>
    public FactSources Add<TQuery, TValue>(IFactSource<TQuery, TValue> source) where TQuery : notnull
    {
        _sources[(typeof(TQuery), typeof(TValue))] = source;
        return this;
    }

    internal IFactSource<TQuery, TValue> Get<TQuery, TValue>() where TQuery : notnull =>
        _sources.TryGetValue((typeof(TQuery), typeof(TValue)), out var source)
            ? (IFactSource<TQuery, TValue>)source
            : throw new InvalidOperationException(
                $"no source of {typeof(TValue).Name} facts about {typeof(TQuery).Name}: add one to FactSources at start");

    internal void Acquire<TValue>(object query)
    {
        lock (_lock)
        {
            var key = (typeof(TValue), query);
            _asked[key] = _asked.GetValueOrDefault(key) + 1;
        }
    }

    internal void Release<TQuery, TValue>(TQuery query) where TQuery : notnull
    {
        lock (_lock)
        {
            var key = (typeof(TValue), (object)query);
            var left = _asked.GetValueOrDefault(key) - 1;
            if (left > 0)
            {
                _asked[key] = left;
                return;
            }

            _asked.Remove(key);
        }

        Get<TQuery, TValue>().Forget(query);
    }
}
