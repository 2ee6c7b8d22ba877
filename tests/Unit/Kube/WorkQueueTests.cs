using CsCheck;
using Knet.Kube.WorkQueue;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Kube;

public sealed class WorkQueueTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task KeyAddedTwice_IsTakenOnce()
    {
        using var queue = new WorkQueue<string>(_time);
        queue.Add("a");
        queue.Add("a");
        queue.Add("b");

        Assert.Equal("a", await queue.TakeAsync(CancellationToken.None));
        Assert.Equal("b", await queue.TakeAsync(CancellationToken.None));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void DelayBeyondWhatATimerTakes_Waits()
    {
        using var queue = new WorkQueue<string>(TimeProvider.System);
        queue.AddAfter("a", TimeSpan.MaxValue);
        queue.AddAfter("b", TimeSpan.FromDays(100));
        Assert.Equal(2, queue.Count);
    }

    [Fact]
    public async Task DelayOfManyTimers_EndsInTime()
    {
        using var queue = new WorkQueue<string>(_time);
        queue.AddAfter("a", TimeSpan.FromDays(100));
        var taken = queue.TakeAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromDays(99));
        Assert.False(taken.IsCompleted);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("a", await taken);
    }

    [Fact]
    public async Task KeyAddedWhileProcessing_WaitsUntilDone()
    {
        using var queue = new WorkQueue<string>(_time);
        queue.Add("a");
        await queue.TakeAsync(CancellationToken.None);
        queue.Add("a");
        var next = queue.TakeAsync(CancellationToken.None).AsTask();
        Assert.False(next.IsCompleted);

        queue.Done("a");

        Assert.Equal("a", await next);
    }

    [Fact]
    public async Task LowPriority_ComesAfterNormal_AndRises()
    {
        using var queue = new WorkQueue<string>(_time);
        queue.Add("low", WorkPriority.Low);
        queue.Add("risen", WorkPriority.Low);
        queue.Add("normal");
        queue.Add("risen");

        Assert.Equal("normal", await queue.TakeAsync(CancellationToken.None));
        Assert.Equal("risen", await queue.TakeAsync(CancellationToken.None));
        Assert.Equal("low", await queue.TakeAsync(CancellationToken.None));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public async Task Delayed_EarliestWins()
    {
        using var queue = new WorkQueue<string>(_time);
        queue.AddAfter("a", TimeSpan.FromSeconds(10));
        queue.AddAfter("a", TimeSpan.FromSeconds(2));
        queue.AddAfter("a", TimeSpan.FromSeconds(5));

        _time.Advance(TimeSpan.FromSeconds(1.9));
        var taken = queue.TakeAsync(CancellationToken.None).AsTask();
        Assert.False(taken.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal("a", await taken);
        queue.Done("a");
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void Backoff_DoublesUpToItsLimit_AndForgets()
    {
        using var queue = new WorkQueue<string>(_time);
        Assert.Equal(5, queue.AddRateLimited("a").TotalMilliseconds);
        Assert.Equal(10, queue.AddRateLimited("a").TotalMilliseconds);
        for (var i = 0; i < 40; i++)
        {
            queue.AddRateLimited("a");
        }

        Assert.Equal(1000, queue.AddRateLimited("a").TotalSeconds);
        queue.Forget("a");
        Assert.Equal(5, queue.AddRateLimited("a").TotalMilliseconds);
    }

    [Fact]
    public async Task CancelledWaiter_DoesNotSwallowAKey()
    {
        using var queue = new WorkQueue<string>(_time);
        using var cancel = new CancellationTokenSource();
        var waiting = queue.TakeAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        queue.Add("a");

        Assert.Equal("a", await queue.TakeAsync(CancellationToken.None));
    }

    [Fact]
    public void AnySequence_NeverHasAKeyTwiceAtWork_AndLosesNone() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3]).Array[1, 60].Sample(steps =>
        {
            using var queue = new WorkQueue<int>(new FakeTimeProvider());
            var working = new HashSet<int>();
            var owed = new HashSet<int>();
            foreach (var (key, action) in steps)
            {
                switch (action)
                {
                    case 0 or 1:
                        queue.Add(key, (WorkPriority)action);
                        owed.Add(key);
                        break;
                    case 2 when owed.Except(working).Any():
                        var taken = queue.TakeAsync(CancellationToken.None).AsTask();
                        Assert.True(taken.IsCompletedSuccessfully);
                        Assert.True(working.Add(taken.Result));
                        owed.Remove(taken.Result);
                        break;
                    case 3 when working.Remove(key):
                        queue.Done(key);
                        break;
                }

                Assert.Equal(owed.Count, queue.Count);
            }
        });
}
