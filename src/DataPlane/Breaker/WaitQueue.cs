using Knet.DataPlane.Activation;

namespace Knet.DataPlane.Breaker;

/// <summary>How waiting for a place ended.</summary>
public enum AdmissionResult
{
    /// <summary>There is a place; it must be given back.</summary>
    Entered,

    /// <summary>Too many wait already: nothing was waited for.</summary>
    QueueFull,

    /// <summary>The client went away, or time was up.</summary>
    Canceled,

    /// <summary>The Revision was deleted.</summary>
    Gone,
}

/// <summary>The outcome of asking for a place in an instance.</summary>
public readonly record struct Admission(AdmissionResult Result, InstanceState? Instance);

/// <summary>Gives places to those who wait.</summary>
internal interface IAdmitter
{
    /// <summary>Takes a place, or returns null when there is none.</summary>
    /// <param name="pinned">The only instance that will do, or null when any will.</param>
    InstanceState? TryAdmit(InstanceState? pinned);
}

/// <summary>Those who wait for a place, in the order of their arrival, at most so many. Waiting allocates nothing once warmed up.</summary>
/// <remarks>
/// Nobody is lost between "no place" and "queued": whoever queues looks again afterwards (<see cref="Pump"/>), whoever leaves a place
/// looks for waiters afterwards.
/// </remarks>
internal sealed class WaitQueue(int limit, IAdmitter admitter)
{
    private const int SparesMax = 128;

    private readonly Lock _gate = new();
    private Waiter? _head;
    private Waiter? _tail;
    private Waiter? _spare;
    private int _spares;
    private int _count;
    private int _pinned;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Queues; completes when there is a place, when either token is cancelled, or when the queue is closed.</summary>
    /// <param name="first">Whether nobody waited before.</param>
    public ValueTask<Admission> WaitAsync(
        InstanceState? pinned, int pinnedMax, out bool first, CancellationToken aborted, CancellationToken expired)
    {
        Waiter waiter;
        lock (_gate)
        {
            first = _count == 0;
            if (_count >= limit || (pinned is not null && _pinned >= pinnedMax))
            {
                return new(new Admission(AdmissionResult.QueueFull, null));
            }

            waiter = Rent();
            waiter.Pinned = pinned;
            Link(waiter);
        }

        var task = waiter.Begin(aborted, expired);
        Pump();
        return task;
    }

    /// <summary>Admits all that fit, first come first served.</summary>
    public void Pump()
    {
        if (Volatile.Read(ref _count) == 0)
        {
            return;
        }

        lock (_gate)
        {
            var full = false;
            for (var waiter = _head; waiter is not null && !(full && _pinned == 0);)
            {
                var next = waiter.Next;
                if (!(full && waiter.Pinned is null))
                {
                    if (admitter.TryAdmit(waiter.Pinned) is { } instance)
                    {
                        Unlink(waiter);
                        waiter.Complete(new Admission(AdmissionResult.Entered, instance));
                    }
                    else
                    {
                        full |= waiter.Pinned is null;
                    }
                }

                waiter = next;
            }
        }
    }

    /// <summary>Sends everybody away.</summary>
    public void Dismiss(AdmissionResult result)
    {
        lock (_gate)
        {
            while (_head is { } waiter)
            {
                Unlink(waiter);
                waiter.Complete(new Admission(result, null));
            }
        }
    }

    internal void Cancel(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Linked)
            {
                Unlink(waiter);
                waiter.Complete(new Admission(AdmissionResult.Canceled, null));
            }
        }
    }

    internal void Return(Waiter waiter)
    {
        lock (_gate)
        {
            if (_spares < SparesMax)
            {
                waiter.Next = _spare;
                _spare = waiter;
                _spares++;
            }
        }
    }

    private Waiter Rent()
    {
        if (_spare is not { } waiter)
        {
            return new Waiter(this);
        }

        _spare = waiter.Next;
        _spares--;
        waiter.Next = null;
        return waiter;
    }

    private void Link(Waiter waiter)
    {
        waiter.Linked = true;
        waiter.Previous = _tail;
        if (_tail is null)
        {
            _head = waiter;
        }
        else
        {
            _tail.Next = waiter;
        }

        _tail = waiter;
        _pinned += waiter.Pinned is null ? 0 : 1;
        Interlocked.Increment(ref _count);
    }

    private void Unlink(Waiter waiter)
    {
        if (waiter.Previous is null)
        {
            _head = waiter.Next;
        }
        else
        {
            waiter.Previous.Next = waiter.Next;
        }

        if (waiter.Next is null)
        {
            _tail = waiter.Previous;
        }
        else
        {
            waiter.Next.Previous = waiter.Previous;
        }

        waiter.Previous = waiter.Next = null;
        waiter.Linked = false;
        _pinned -= waiter.Pinned is null ? 0 : 1;
        Interlocked.Decrement(ref _count);
    }
}
