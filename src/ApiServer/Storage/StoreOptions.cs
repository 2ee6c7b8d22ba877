namespace Knet.ApiServer.Storage;

/// <summary>Where a store keeps its data and how much of the past it remembers.</summary>
public sealed record StoreOptions
{
    /// <summary>The database file; null keeps everything in memory only (tests). Its directory must exist.</summary>
    public string? File { get; init; }

    /// <summary>Survive power loss too (SQLite's synchronous=FULL). Default: a crash or kill of the process only (NORMAL).</summary>
    public bool FullSync { get; init; }

    /// <summary>Events remembered per kind for watches that resume; older ones answer 410. Default 2048.</summary>
    public int HistoryEvents { get; init; } = 2048;

    /// <summary>Objects of one kind; more are refused (507). Default 100,000.</summary>
    public int ObjectsMax { get; init; } = 100_000;

    /// <summary>Bytes of one object as JSON; a larger one is refused (413). Default 1.5 MiB, etcd's limit.</summary>
    public int ObjectBytesMax { get; init; } = 3 * 512 * 1024;

    /// <summary>Events a watcher may lag behind before it is dropped with 410 Expired. Default 16384.</summary>
    public int WatchBacklog { get; init; } = 16384;

    /// <summary>How long writes that nobody waits for are gathered before a commit. Default 10 ms.</summary>
    public TimeSpan GroupCommit { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Revision numbers reserved on disk at a time; at most this many are skipped by a crash. Default 100,000.</summary>
    public int RevisionBlock { get; init; } = 100_000;

    /// <summary>Old states of a kind kept for lists that are read page by page. Default 32.</summary>
    public int PagedSnapshots { get; init; } = 32;

    /// <summary>How long such a state is kept. Default five minutes, as Kubernetes' etcd compaction.</summary>
    public TimeSpan PagedSnapshotAge { get; init; } = TimeSpan.FromMinutes(5);
}
