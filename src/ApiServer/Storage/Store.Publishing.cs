using Knet.Kube.Client;

namespace Knet.ApiServer.Storage;

/// <summary>A write that waits for its commit.</summary>
internal sealed class PendingWrite(StoreWrite write)
{
    public StoreWrite Write { get; } = write;

    /// <summary>The writer's answer.</summary>
    public TaskCompletionSource<WriteResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed together with <see cref="Done"/>, also on failure: others may go on with this object.</summary>
    public TaskCompletionSource Settled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Making changes visible, and those who watch them.</summary>
public sealed partial class Store
{
    /// <summary>Events after a revision, of one namespace (empty: all).</summary>
    /// <exception cref="KubeException">410 Expired: the history does not reach back that far; 504: the revision is yet to come.</exception>
    public StoreWatch Watch(string table, string ns, long after)
    {
        lock (_gate)
        {
            var watched = TableOf(table);
            if (after < watched.History.Floor)
            {
                throw KubeException.Of(410, "Expired", $"too old resource version: {after} ({watched.History.Floor})");
            }

            if (after > _revision)
            {
                throw Registry.Refusals.TooLargeVersion(after, _revision);
            }

            var watch = new StoreWatch(table, ns, _options.WatchBacklog, End);
            foreach (var change in watched.History.After(after))
            {
                if (ns.Length == 0 || change.Object!.Key.Namespace == ns)
                {
                    watch.Send(change);
                }
            }

            watched.Add(watch);
            return watch;
        }
    }

    /// <summary>The present objects, and the events after them.</summary>
    public (TableSnapshot Snapshot, StoreWatch Watch) WatchFromNow(string table, string ns)
    {
        lock (_gate)
        {
            return (new TableSnapshot(TableOf(table).Objects, _revision), Watch(table, ns, _revision));
        }
    }

    /// <summary>All objects of all kinds, and every event after them; for work inside the API server.</summary>
    public (IReadOnlyList<(string Table, StoredObject Object)> Objects, StoreWatch Watch) WatchEverything()
    {
        lock (_gate)
        {
            var objects = _tables.Values.SelectMany(t => t.Objects.Select(o => (t.Name, o))).ToList();
            var watch = new StoreWatch("", "", int.MaxValue, End);
            _everything.Add(watch);
            return (objects, watch);
        }
    }

    /// <summary>Sends the watch a bookmark with the newest revision, after everything that happened before.</summary>
    public void Bookmark(StoreWatch watch)
    {
        lock (_gate)
        {
            watch.Send(new StoreEvent(WatchEventType.Bookmark, watch.Table, _revision, null, null));
        }
    }

    /// <summary>Ends all watches of a kind that is no longer served.</summary>
    public void EndWatches(string table)
    {
        lock (_gate)
        {
            TableOf(table).EndWatches();
        }
    }

    /// <summary>The revision that the next write will get if nobody overtakes it. Called by the commit loop.</summary>
    internal long NextGuess()
    {
        lock (_gate)
        {
            return _revision + 1;
        }
    }

    /// <summary>Up to where revisions should be reserved with this commit, or null. Every waiting write has its number reserved.</summary>
    internal long? WantedReservation()
    {
        lock (_gate)
        {
            var ahead = _revision + _pending.Count;
            return _reserving is not null || ahead + (_options.RevisionBlock / 2) >= _reserved ? ahead + _options.RevisionBlock : null;
        }
    }

    internal void Reserved(long revision)
    {
        lock (_gate)
        {
            _reserved = revision;
            _reserving?.SetResult();
            _reserving = null;
        }
    }

    /// <summary>Makes a batch of committed writes visible. Gives back the rows whose guessed revision turned out wrong.</summary>
    internal void PublishCommitted(IReadOnlyList<(PendingWrite Write, long Guess)> batch)
    {
        foreach (var (pending, guess) in batch)
        {
            StoredObject stored;
            lock (_gate)
            {
                var write = pending.Write;
                stored = Publish(write, onDisk: true);
                _pending.Remove((write.Table, write.Key));
                if (stored.Revision != guess && write.Body is not null)
                {
                    _disk!.Add(new CommitItem { Row = new Row(write.Table, write.Key, stored.Revision, null, RevisionOnly: true) });
                }
            }

            pending.Settled.SetResult();
            pending.Done.SetResult(new WriteResult(true, stored));
        }
    }

    /// <summary>The disk refused a batch: its committed writes have not happened.</summary>
    internal void Refuse(IEnumerable<PendingWrite> batch, Exception cause)
    {
        var refusal = KubeException.Of(500, "InternalError", $"Internal error occurred: the disk refused the write: {cause.Message}");
        lock (_gate)
        {
            _reserving?.SetException(refusal);
            _reserving = null;
        }

        foreach (var pending in batch)
        {
            lock (_gate)
            {
                _pending.Remove((pending.Write.Table, pending.Write.Key));
            }

            pending.Settled.SetResult();
            pending.Done.SetException(refusal);
        }
    }

    private StoredObject Publish(StoreWrite write, bool onDisk)
    {
        var table = TableOf(write.Table);
        var before = table.Find(write.Key);
        var revision = ++_revision;
        var type = write.Body is null ? WatchEventType.Deleted : before is null ? WatchEventType.Added : WatchEventType.Modified;
        var stored = write.Body is null ? before!.At(revision) : new StoredObject(write.Key, revision, write.Body, onDisk);
        var change = new StoreEvent(type, write.Table, revision, before, stored);
        table.Apply(change);
        foreach (var watch in _everything)
        {
            watch.Send(change);
        }

        return stored;
    }

    // Before the block is used up, so that nobody waits.
    private void ReserveAhead()
    {
        if (_disk is not null && _reserving is null && _revision + _pending.Count + (_options.RevisionBlock / 4) >= _reserved)
        {
            Reserve();
        }
    }

    private TaskCompletionSource Reserve()
    {
        if (_reserving is null)
        {
            _reserving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _disk!.Add(new CommitItem { Urgent = true });
        }

        return _reserving;
    }

    private void End(StoreWatch watch)
    {
        lock (_gate)
        {
            if (watch.Table.Length == 0)
            {
                _everything.Remove(watch);
            }
            else
            {
                TableOf(watch.Table).Remove(watch);
            }
        }
    }
}
