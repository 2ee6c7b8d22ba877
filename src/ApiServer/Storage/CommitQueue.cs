namespace Knet.ApiServer.Storage;

/// <summary>Something for the disk: a row, the end of a wait, or both. <see cref="Committed"/> runs on the commit thread, after the commit.</summary>
internal sealed class CommitItem
{
    public Row? Row { get; init; }

    /// <summary>Somebody waits: commit as soon as the disk is free.</summary>
    public bool Urgent { get; init; }

    /// <summary>For writes that become visible with their commit: the write that is published then.</summary>
    public PendingWrite? Pending { get; init; }

    public TaskCompletionSource? Flushed { get; init; }
}

/// <summary>What is waiting for the disk. While one batch is being committed the next one gathers here.</summary>
internal sealed class CommitQueue(TimeSpan groupCommit) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _any = new();
    private readonly ManualResetEventSlim _urgent = new();
    private List<CommitItem> _items = [];
    private bool _closed;

    public void Add(CommitItem item)
    {
        lock (_gate)
        {
            _items.Add(item);
            if (item.Urgent)
            {
                _urgent.Set();
            }

            _any.Set();
        }
    }

    /// <summary>After this the rest is still handed out; then <see cref="Take"/> gives null.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _urgent.Set();
            _any.Set();
        }
    }

    /// <summary>Waits for a batch: at once when somebody waits for it, else gathered for the group-commit time.</summary>
    public List<CommitItem>? Take()
    {
        _any.Wait();
        _urgent.Wait(groupCommit);
        lock (_gate)
        {
            if (_items.Count == 0 && _closed)
            {
                return null;
            }

            var batch = _items;
            _items = [];
            if (!_closed)
            {
                _any.Reset();
                _urgent.Reset();
            }

            return batch;
        }
    }

    public void Dispose()
    {
        _any.Dispose();
        _urgent.Dispose();
    }
}
