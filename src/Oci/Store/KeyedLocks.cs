namespace Knet.Oci.Store;

/// <summary>One lock per key: whoever comes second waits, and then finds the work done.</summary>
internal sealed class KeyedLocks
{
    private readonly Dictionary<string, Slot> _slots = [];

    /// <summary>Waits for the key; dispose what it answers to let the next one in.</summary>
    internal async Task<IDisposable> EnterAsync(string key, CancellationToken cancellationToken)
    {
        Slot slot;
        lock (_slots)
        {
            slot = _slots.TryGetValue(key, out var found) ? found : _slots[key] = new Slot(this, key);
            slot.Users++;
        }

        try
        {
            await slot.Turn.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Leave(slot);
            throw;
        }

        return slot;
    }

    private void Leave(Slot slot)
    {
        lock (_slots)
        {
            if (--slot.Users == 0)
            {
                _slots.Remove(slot.Key);
                slot.Turn.Dispose();
            }
        }
    }

    private sealed class Slot(KeyedLocks owner, string key) : IDisposable
    {
        internal string Key { get; } = key;

        internal SemaphoreSlim Turn { get; } = new(1, 1);

        internal int Users { get; set; }

        public void Dispose()
        {
            Turn.Release();
            owner.Leave(this);
        }
    }
}
