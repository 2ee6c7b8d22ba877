using System.Net.Http;

namespace Knet.DataPlane.Activation;

/// <summary>How an instance stands.</summary>
public enum InstancePhase
{
    /// <summary>It exists, and gets no requests.</summary>
    NotReady,

    /// <summary>It takes requests.</summary>
    Ready,

    /// <summary>It is going: it finishes what it has and gets nothing new.</summary>
    Draining,

    /// <summary>It is gone.</summary>
    Gone,
}

/// <summary>One pod of a Revision as requests see it: who is in it, and the connections to it. Lives as long as the pod.</summary>
/// <remarks>Hot: entering and leaving are one interlocked operation each, and allocate nothing.</remarks>
public sealed class InstanceState
{
    private const int Closed = 1 << 30;

    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inFlight;
    private long _avoidUntil;

    internal InstanceState(string pod, string address, int port, HttpMessageInvoker client)
    {
        Pod = pod;
        Address = address;
        Client = client;
        Prefix = address.Contains(':', StringComparison.Ordinal) ? $"http://[{address}]:{port}" : $"http://{address}:{port}";
    }

    public string Pod { get; }

    /// <summary>The pod's IP address.</summary>
    public string Address { get; }

    /// <summary>Requests that are being answered.</summary>
    public int InFlight => Volatile.Read(ref _inFlight) & ~Closed;

    /// <summary>It takes no new requests any more.</summary>
    public bool IsClosed => (Volatile.Read(ref _inFlight) & Closed) != 0;

    internal string Prefix { get; }
    internal HttpMessageInvoker Client { get; }

    /// <summary>Takes a place, unless the limit is reached or the instance is closed.</summary>
    /// <param name="limit">0 means no limit.</param>
    public bool TryEnter(int limit)
    {
        if (limit <= 0)
        {
            if ((Interlocked.Increment(ref _inFlight) & Closed) == 0)
            {
                return true;
            }

            Leave();
            return false;
        }

        var seen = Volatile.Read(ref _inFlight);
        while (seen < limit)
        {
            var was = Interlocked.CompareExchange(ref _inFlight, seen + 1, seen);
            if (was == seen)
            {
                return true;
            }

            seen = was;
        }

        return false;
    }

    /// <summary>Takes a place in an instance that is closed already.</summary>
    internal void EnterClosed() => Interlocked.Increment(ref _inFlight);

    /// <summary>Gives the place back.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _inFlight) == Closed)
        {
            _idle.TrySetResult();
        }
    }

    /// <summary>Takes no new requests from now on. The task ends when the last request has left.</summary>
    public Task CloseAsync()
    {
        if ((Interlocked.Or(ref _inFlight, Closed) & ~Closed) == 0)
        {
            _idle.TrySetResult();
        }

        return _idle.Task;
    }

    /// <summary>Prefer other instances until then: a connection to this one could not be opened.</summary>
    internal void Avoid(long untilTimestamp) => Volatile.Write(ref _avoidUntil, untilTimestamp);

    internal bool IsAvoided(TimeProvider time) => Volatile.Read(ref _avoidUntil) is not 0 and var until && time.GetTimestamp() < until;
}
