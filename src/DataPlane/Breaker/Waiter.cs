using System.Threading.Tasks.Sources;
using Knet.DataPlane.Activation;

namespace Knet.DataPlane.Breaker;

/// <summary>One who waits in a <see cref="WaitQueue"/>; used again and again.</summary>
/// <remarks>The links belong to the queue's lock.</remarks>
internal sealed class Waiter(WaitQueue queue) : IValueTaskSource<Admission>
{
    // Continuations run on the pool: whoever makes room must not run other people's requests.
    private ManualResetValueTaskSourceCore<Admission> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _aborted;
    private CancellationTokenRegistration _expired;

    public Waiter? Previous { get; set; }
    public Waiter? Next { get; set; }
    public bool Linked { get; set; }
    public InstanceState? Pinned { get; set; }

    public ValueTask<Admission> Begin(CancellationToken aborted, CancellationToken expired)
    {
        var task = new ValueTask<Admission>(this, _core.Version);
        _aborted = aborted.UnsafeRegister(static waiter => ((Waiter)waiter!).Cancel(), this);
        _expired = expired.UnsafeRegister(static waiter => ((Waiter)waiter!).Cancel(), this);
        return task;
    }

    public void Complete(Admission admission) => _core.SetResult(admission);

    public Admission GetResult(short token)
    {
        var result = _core.GetResult(token);
        _aborted.Dispose();
        _expired.Dispose();
        _core.Reset();
        Pinned = null;
        queue.Return(this);
        return result;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel() => queue.Cancel(this);
}
