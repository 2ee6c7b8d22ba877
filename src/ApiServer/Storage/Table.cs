using System.Collections.Immutable;
using Knet.Api.Meta;

namespace Knet.ApiServer.Storage;

/// <summary>A kind's objects at one revision.</summary>
public sealed class TableSnapshot(ImmutableSortedSet<StoredObject> objects, long revision)
{
    /// <summary>The store's revision at which this state holds.</summary>
    public long Revision { get; } = revision;

    public int Count => objects.Count;

    internal ImmutableSortedSet<StoredObject> Objects => objects;

    /// <summary>Objects in order, of one namespace (empty: all), beginning after a key.</summary>
    public IEnumerable<StoredObject> Range(string ns, ObjectKey? after = null)
    {
        var index = 0;
        if (after is { } last)
        {
            index = objects.IndexOf(new StoredObject(last));
            index = index < 0 ? ~index : index + 1;
        }
        else if (ns.Length > 0)
        {
            index = objects.IndexOf(new StoredObject(new ObjectKey(ns, "")));
            index = index < 0 ? ~index : index;
        }
        else
        {
            return objects;
        }

        return From(index, ns);
    }

    private IEnumerable<StoredObject> From(int index, string ns)
    {
        for (; index < objects.Count; index++)
        {
            var item = objects[index];
            if (ns.Length > 0 && item.Key.Namespace != ns)
            {
                yield break;
            }

            yield return item;
        }
    }
}

/// <summary>One kind's objects, its recent events and its watchers. Every member but the objects is used under the store's lock only.</summary>
internal sealed class Table(string name, long floor, StoreOptions options, TimeProvider time)
{
    private readonly Dictionary<string, List<StoreWatch>> _watchers = new(StringComparer.Ordinal);
    private readonly Queue<(DateTimeOffset Since, TableSnapshot Snapshot)> _paged = new();
    private readonly EventHistory _history = new(options.HistoryEvents, floor);
    private ImmutableSortedSet<StoredObject> _objects = ImmutableSortedSet.Create<StoredObject>(ObjectOrder.Instance);

    public string Name { get; } = name;
    public EventHistory History => _history;
    public long LastChange { get; private set; } = floor;
    public ImmutableSortedSet<StoredObject> Objects => Volatile.Read(ref _objects);

    public StoredObject? Find(ObjectKey key) =>
        Objects.TryGetValue(new StoredObject(key), out var found) ? found : null;

    public void Load(IEnumerable<StoredObject> objects) => _objects = objects.ToImmutableSortedSet(ObjectOrder.Instance);

    /// <summary>Makes a change visible and tells who watches.</summary>
    public void Apply(StoreEvent change)
    {
        var objects = change.Before is null ? _objects : _objects.Remove(change.Before);
        if (change.Type != Kube.Client.WatchEventType.Deleted)
        {
            objects = objects.Add(change.Object!);
        }

        Volatile.Write(ref _objects, objects);
        LastChange = change.Revision;
        _history.Add(change);
        DropOld();
        Tell("", change);
        if (change.Object!.Key.Namespace.Length > 0)
        {
            Tell(change.Object.Key.Namespace, change);
        }
    }

    public void Add(StoreWatch watch)
    {
        if (!_watchers.TryGetValue(watch.Namespace, out var list))
        {
            _watchers[watch.Namespace] = list = [];
        }

        list.Add(watch);
    }

    public void Remove(StoreWatch watch)
    {
        if (_watchers.TryGetValue(watch.Namespace, out var list) && list.Remove(watch) && list.Count == 0)
        {
            _watchers.Remove(watch.Namespace);
        }
    }

    public void EndWatches()
    {
        foreach (var watch in _watchers.Values.SelectMany(w => w).ToList())
        {
            watch.Complete();
        }

        _watchers.Clear();
    }

    /// <summary>Keeps a state for the next pages of a list.</summary>
    public void Keep(TableSnapshot snapshot)
    {
        if (_paged.Any(p => p.Snapshot.Revision == snapshot.Revision))
        {
            return;
        }

        DropOld();
        while (_paged.Count >= options.PagedSnapshots)
        {
            _paged.Dequeue();
        }

        _paged.Enqueue((time.GetUtcNow(), snapshot));
    }

    public TableSnapshot? Kept(long revision)
    {
        var now = time.GetUtcNow();
        return _paged.FirstOrDefault(p => p.Snapshot.Revision == revision && now - p.Since <= options.PagedSnapshotAge).Snapshot;
    }

    public StoreReport Report() => new(
        _objects.Count, _objects.Sum(o => (long)o.Document.Json.Length), _history.Count, _history.Bytes, _watchers.Values.Sum(w => w.Count),
        _paged.Count);

    // With every change, too: as long as nothing changes a kept state holds nothing that is not there anyway.
    private void DropOld()
    {
        if (_paged.Count == 0)
        {
            return;
        }

        var now = time.GetUtcNow();
        while (_paged.TryPeek(out var oldest) && now - oldest.Since > options.PagedSnapshotAge)
        {
            _paged.Dequeue();
        }
    }

    private void Tell(string ns, StoreEvent change)
    {
        if (_watchers.TryGetValue(ns, out var list))
        {
            foreach (var watch in list)
            {
                watch.Send(change);
            }
        }
    }
}

/// <summary>The last events of a kind, oldest dropped first.</summary>
internal sealed class EventHistory(int capacity, long floor)
{
    // Events that informers may still be handing round; what is older is history, and keeps no decoded objects.
    private const int Fresh = 64;

    private StoreEvent[] _ring = new StoreEvent[Math.Min(capacity, 16)];
    private int _first;
    private int _count;

    public int Count => _count;

    /// <summary>Of the versions that are no longer present.</summary>
    public long Bytes
    {
        get
        {
            var sum = 0L;
            for (var i = 0; i < _count; i++)
            {
                var change = this[i];
                sum += change.Before?.Document.Json.Length ?? 0;
                sum += change.Type == Kube.Client.WatchEventType.Deleted ? change.Object!.Document.Json.Length : 0;
            }

            return sum;
        }
    }

    /// <summary>Everything after this revision is known; nothing before it.</summary>
    public long Floor { get; private set; } = floor;

    public void Add(StoreEvent change)
    {
        Append(change);
        if (_count > Fresh)
        {
            var settled = this[_count - 1 - Fresh];
            settled.Before?.Trim();
            if (settled.Type == Kube.Client.WatchEventType.Deleted)
            {
                settled.Object!.Trim();
            }
        }
    }

    private void Append(StoreEvent change)
    {
        if (_count == _ring.Length && _count < capacity)
        {
            var larger = new StoreEvent[Math.Min(capacity, _count * 2)];
            for (var i = 0; i < _count; i++)
            {
                larger[i] = this[i];
            }

            (_ring, _first) = (larger, 0);
        }

        if (_count == _ring.Length)
        {
            Floor = _ring[_first].Revision;
            _ring[_first] = change;
            _first = (_first + 1) % _ring.Length;
            return;
        }

        _ring[(_first + _count) % _ring.Length] = change;
        _count++;
    }

    /// <summary>Events with a higher revision, in order.</summary>
    public IEnumerable<StoreEvent> After(long revision)
    {
        var (low, high) = (0, _count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = this[middle].Revision <= revision ? (middle + 1, high) : (low, middle);
        }

        for (; low < _count; low++)
        {
            yield return this[low];
        }
    }

    private StoreEvent this[int index] => _ring[(_first + index) % _ring.Length];
}
