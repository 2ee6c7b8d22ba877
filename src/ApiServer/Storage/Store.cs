using Knet.Api.Meta;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Storage;

/// <summary>A compare-and-swap.</summary>
/// <param name="Table">The kind's table, such as <c>apps/deployments</c>; tables are made when first used.</param>
/// <param name="Body">The new version; null deletes.</param>
/// <param name="Expected">The revision that must be the present one; 0: the object must not exist.</param>
public sealed record StoreWrite(string Table, ObjectKey Key, EncodedObject? Body, long Expected, Durability Durability);

/// <summary>What became of a write.</summary>
/// <param name="Object">Succeeded: the new version (of a deletion: the last one). Otherwise: what is there instead, or null.</param>
public readonly record struct WriteResult(bool Succeeded, StoredObject? Object);

/// <summary>
/// All objects, multi-version in memory over a database file. One revision counter; every version is immutable; a write names the
/// version it replaces.
/// </summary>
/// <remarks>
/// Revisions are given out when a change becomes visible, so the order of revisions is the order every watcher sees, although a write
/// behind may overtake one that waits for its commit. The disk row of a committed write carries the revision it will most likely get;
/// when others became visible meanwhile, the right one follows with the next commit (a crash in between costs a client a needless
/// conflict, nothing else). Numbers are reserved on disk in blocks and never given out twice.
/// </remarks>
public sealed partial class Store : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Table> _tables = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, ObjectKey), PendingWrite> _pending = [];
    private readonly List<StoreWatch> _everything = [];
    private readonly StoreOptions _options;
    private readonly TimeProvider _time;
    private readonly CommitLoop? _disk;
    private readonly long _floor;
    private long _revision;
    private long _reserved = long.MaxValue;
    private TaskCompletionSource? _reserving;
    private bool _disposed;

    /// <summary>Opens or creates the store and loads everything.</summary>
    /// <exception cref="DataFormatException">The file was written by a newer version.</exception>
    public Store(StoreOptions options, TimeProvider time, ILogger<Store> logger)
    {
        _options = options;
        _time = time;
        if (options.File is null)
        {
            return;
        }

        var file = new SqliteFile(options.File, options.FullSync);
        _floor = _revision = file.ReservedRevision + 1;
        _reserved = _revision + options.RevisionBlock;
        file.Write([], _reserved);
        foreach (var kind in file.Load().GroupBy(r => r.Table))
        {
            TableOf(kind.Key).Load(kind.Select(r => new StoredObject(r.Key, r.Revision, r.Body!, onDisk: true)));
        }

        _disk = new CommitLoop(file, this, options.GroupCommit, time, logger);
    }

    /// <summary>The newest visible revision.</summary>
    public long Revision
    {
        get
        {
            lock (_gate)
            {
                return _revision;
            }
        }
    }

    /// <summary>The visible version of an object, or null.</summary>
    public StoredObject? Find(string table, ObjectKey key)
    {
        Table? found;
        lock (_gate)
        {
            found = _tables.GetValueOrDefault(table);
        }

        return found?.Find(key);
    }

    /// <summary>All objects of a kind, frozen.</summary>
    public TableSnapshot Snapshot(string table)
    {
        lock (_gate)
        {
            return new TableSnapshot(TableOf(table).Objects, _revision);
        }
    }

    /// <summary>Keeps a state so that <see cref="SnapshotAt"/> finds it again for a while.</summary>
    public void Keep(string table, TableSnapshot snapshot)
    {
        lock (_gate)
        {
            TableOf(table).Keep(snapshot);
        }
    }

    /// <summary>The state at a revision: if nothing changed since, or if it was kept; else null.</summary>
    public TableSnapshot? SnapshotAt(string table, long revision)
    {
        lock (_gate)
        {
            var found = TableOf(table);
            return revision >= found.LastChange && revision >= _floor && revision <= _revision
                ? new TableSnapshot(found.Objects, revision)
                : found.Kept(revision);
        }
    }

    /// <summary>
    /// Replaces, creates or deletes. Committed writes complete after their commit, others at once. When the expected revision is not the
    /// present one nothing happens and the result says what is there.
    /// </summary>
    /// <exception cref="KubeException">
    /// 500: the disk refused; 507: too many objects of the kind. Nothing was written.
    /// </exception>
    public ValueTask<WriteResult> WriteAsync(StoreWrite write)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_pending.TryGetValue((write.Table, write.Key), out var before))
            {
                return AfterAsync(before, write);
            }

            var current = TableOf(write.Table).Find(write.Key);
            if ((current?.Revision ?? 0) != write.Expected || (current is null && write.Body is null))
            {
                return new(new WriteResult(false, current));
            }

            if (_revision + _pending.Count >= _reserved)
            {
                return AfterReservationAsync(write);
            }

            if (current is null && TableOf(write.Table).Objects.Count >= _options.ObjectsMax)
            {
                throw KubeException.Of(
                    507, "InsufficientStorage",
                    $"there are {_options.ObjectsMax} objects of this kind ({write.Table.TrimStart('/')}), and no more are stored: "
                    + "delete some, or raise the limit \"objects\"");
            }

            var durability = Effective(write, current);
            if (durability == Durability.Committed)
            {
                var pending = new PendingWrite(write);
                _pending.Add((write.Table, write.Key), pending);
                _disk!.Add(new CommitItem { Pending = pending, Row = RowOf(write, 0), Urgent = true });
                return new(pending.Done.Task);
            }

            var stored = Publish(write, onDisk: durability == Durability.Behind || current is { OnDisk: true });
            if (durability == Durability.Behind)
            {
                _disk?.Add(new CommitItem { Row = RowOf(write, stored.Revision) });
            }

            ReserveAhead();
            return new(new WriteResult(true, stored));
        }
    }

    /// <summary>Whether an object fits.</summary>
    /// <exception cref="KubeException">413: it is too large.</exception>
    public void CheckSize(EncodedObject value)
    {
        if (value.Body.Length > _options.ObjectBytesMax)
        {
            throw KubeException.Of(
                413, "RequestEntityTooLarge",
                $"Request entity too large: the object has {value.Body.Length} bytes, limit is {_options.ObjectBytesMax}");
        }
    }

    /// <summary>Counts what is in memory; takes a moment with many objects.</summary>
    public StoreReport Report()
    {
        lock (_gate)
        {
            var all = new StoreReport(0, 0, 0, 0, _everything.Count, 0);
            return _tables.Values.Select(t => t.Report()).Aggregate(all, (a, b) => new StoreReport(
                a.Objects + b.Objects, a.ObjectBytes + b.ObjectBytes, a.Events + b.Events, a.EventBytes + b.EventBytes, a.Watches + b.Watches,
                a.KeptLists + b.KeptLists));
        }
    }

    /// <summary>Completes when everything acknowledged so far is on disk.</summary>
    public Task FlushAsync()
    {
        if (_disk is null)
        {
            return Task.CompletedTask;
        }

        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _disk.Add(new CommitItem { Flushed = flushed, Urgent = true });
        return flushed.Task;
    }

    /// <summary>Writes what is left, moves the log into the database file and closes it. Watches end.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _disk?.Dispose();
        lock (_gate)
        {
            foreach (var table in _tables.Values)
            {
                table.EndWatches();
            }

            _everything.ForEach(w => w.Complete());
        }
    }

    private static Row RowOf(StoreWrite write, long revision) => new(write.Table, write.Key, revision, write.Body);

    private async ValueTask<WriteResult> AfterAsync(PendingWrite before, StoreWrite write)
    {
        await before.Settled.Task;
        return await WriteAsync(write);
    }

    private async ValueTask<WriteResult> AfterReservationAsync(StoreWrite write)
    {
        await Reserve().Task;
        return await WriteAsync(write);
    }

    private Durability Effective(StoreWrite write, StoredObject? current)
    {
        if (_disk is null)
        {
            return Durability.Volatile;
        }

        return write switch
        {
            { Durability: Durability.Volatile } when current is { OnDisk: true } => Durability.Behind,
            { Body: null } when current is { OnDisk: false } => Durability.Volatile,
            _ => write.Durability,
        };
    }

    private Table TableOf(string name)
    {
        if (!_tables.TryGetValue(name, out var table))
        {
            _tables[name] = table = new Table(name, _floor, _options, _time);
        }

        return table;
    }
}
