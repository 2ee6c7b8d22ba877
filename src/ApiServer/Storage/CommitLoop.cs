using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Storage;

/// <summary>The one thread that writes the database: takes what has gathered, commits it, makes it visible.</summary>
internal sealed partial class CommitLoop : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly SqliteFile _file;
    private readonly Store _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CommitQueue _queue;
    private readonly Thread _thread;

    // Rows acknowledged already that the disk refused: tried again, in order, before anything newer.
    private List<Row> _owed = [];
    private ITimer? _retry;

    public CommitLoop(SqliteFile file, Store store, TimeSpan groupCommit, TimeProvider time, ILogger logger)
    {
        _file = file;
        _store = store;
        _time = time;
        _logger = logger;
        _queue = new CommitQueue(groupCommit);
        _thread = new Thread(Run) { IsBackground = true, Name = "store-commit" };
        _thread.Start();
    }

    public void Add(CommitItem item) => _queue.Add(item);

    /// <summary>Writes the rest and closes the file.</summary>
    public void Dispose()
    {
        _queue.Close();
        _thread.Join();
        _retry?.Dispose();
        _queue.Dispose();
        _file.Dispose();
    }

    private void Run()
    {
        while (_queue.Take() is { } batch)
        {
            Commit(batch);
        }

        if (_owed.Count > 0)
        {
            Log.Lost(_logger, _owed.Count);
        }
    }

    private void Commit(List<CommitItem> batch)
    {
        var guess = _store.NextGuess();
        var pending = new List<(PendingWrite Write, long Guess)>();
        var rows = new List<Row>(_owed);
        foreach (var item in batch)
        {
            if (item.Pending is { } write)
            {
                pending.Add((write, guess));
                rows.Add(item.Row!.Value with { Revision = guess++ });
            }
            else if (item.Row is { } row)
            {
                rows.Add(row);
            }
        }

        try
        {
            WriteRows(rows);
        }
        catch (SqliteException e)
        {
            Log.Refused(_logger, e, rows.Count);
            _owed = [.. _owed, .. batch.Where(i => i.Pending is null && i.Row is not null).Select(i => i.Row!.Value)];
            _store.Refuse(pending.Select(p => p.Write), e);
            batch.ForEach(i => i.Flushed?.SetException(e));
            RetryLater();
            return;
        }

        _owed = [];
        _store.PublishCommitted(pending);
        batch.ForEach(i => i.Flushed?.SetResult());
    }

    private void WriteRows(List<Row> rows)
    {
        var reserve = _store.WantedReservation();
        if (rows.Count > 0 || reserve is not null)
        {
            _file.Write(rows, reserve);
        }

        if (reserve is { } revision)
        {
            _store.Reserved(revision);
        }
    }

    // An empty urgent item later: the next batch begins with the rows owed.
    private void RetryLater()
    {
        _retry?.Dispose();
        _retry = _time.CreateTimer(
            static loop => ((CommitLoop)loop!).Add(new CommitItem { Urgent = true }), this, RetryAfter, Timeout.InfiniteTimeSpan);
    }

    private static partial class Log
    {
        [LoggerMessage(3201, LogLevel.Error, "The disk refused a commit of {Rows} rows; acknowledged ones are tried again")]
        public static partial void Refused(ILogger logger, Exception error, int rows);

        [LoggerMessage(3202, LogLevel.Error, "{Rows} rows that were acknowledged from memory could not be written before closing")]
        public static partial void Lost(ILogger logger, int rows);
    }
}
