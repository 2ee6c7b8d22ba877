using System.Threading.Channels;
using Knet.Kube.Client;

namespace Knet.ApiServer.Storage;

/// <summary>A running watch: events in order, none missing. Dispose it to end it.</summary>
/// <remarks>Written under the store's lock; read by one reader.</remarks>
public sealed class StoreWatch : IDisposable
{
    private readonly Channel<StoreEvent> _events = Channel.CreateUnbounded<StoreEvent>(new() { SingleReader = true });
    private readonly Action<StoreWatch> _end;
    private readonly int _backlog;
    private int _waiting;

    internal StoreWatch(string table, string ns, int backlog, Action<StoreWatch> end)
    {
        Table = table;
        Namespace = ns;
        _backlog = backlog;
        _end = end;
    }

    internal string Table { get; }
    internal string Namespace { get; }

    /// <summary>Waits for an event; false when the watch has ended in an ordinary way.</summary>
    /// <exception cref="KubeException">410 Expired: the reader was too slow and was dropped.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _events.Reader.WaitToReadAsync(cancellationToken);

    public bool TryRead(out StoreEvent change)
    {
        var read = _events.Reader.TryRead(out change!);
        if (read)
        {
            Interlocked.Decrement(ref _waiting);
        }

        return read;
    }

    public void Dispose()
    {
        _end(this);
        _events.Writer.TryComplete();
    }

    internal void Send(StoreEvent change)
    {
        if (Volatile.Read(ref _waiting) >= _backlog)
        {
            _events.Writer.TryComplete(KubeException.Of(
                410, "Expired", $"the watch lagged more than {_backlog} events behind and was closed: list again"));
            return;
        }

        if (_events.Writer.TryWrite(change))
        {
            Interlocked.Increment(ref _waiting);
        }
    }

    internal void Complete() => _events.Writer.TryComplete();
}
