using Knet.ApiServer.Storage;
using Knet.Kube.Client;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>What one watch was told.</summary>
internal sealed class WatchLog
{
    private readonly Store _store;
    private readonly StoreWatch? _watch;

    /// <summary>Opens the watch.</summary>
    public WatchLog(Store store, long after, string ns)
    {
        _store = store;
        After = after;
        Namespace = ns;
        try
        {
            _watch = store.Watch(Life.Table, ns, after);
        }
        catch (KubeException e) when (e.IsExpired)
        {
            RefusedBefore = store.Revision;
        }
    }

    public long After { get; }
    public string Namespace { get; }

    /// <summary>Not opened (410): the store's revision just after that.</summary>
    public long? RefusedBefore { get; }

    /// <summary>Ended with 410: it lagged.</summary>
    public bool Dropped { get; private set; }

    /// <summary>Up to where it is complete: a bookmark's revision.</summary>
    public long CompleteTo { get; private set; }

    public List<StoreEvent> Events { get; } = [];

    /// <summary>Takes what was sent.</summary>
    public void Read()
    {
        while (_watch is not null && _watch.TryRead(out var change))
        {
            if (change.Type == WatchEventType.Bookmark)
            {
                CompleteTo = change.Revision;
            }
            else
            {
                Events.Add(change);
            }
        }
    }

    /// <summary>Takes the rest; writers are done.</summary>
    public void Finish()
    {
        if (_watch is null)
        {
            return;
        }

        Read();
        _store.Bookmark(_watch);
        Read();
        Dropped = _watch.WaitAsync(CancellationToken.None).AsTask().IsFaulted;
        _watch.Dispose();
    }
}
