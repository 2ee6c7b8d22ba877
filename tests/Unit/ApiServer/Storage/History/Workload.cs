namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>What the lives of one data file share: a clock that counts events, and numbers for writes.</summary>
internal sealed class Workload
{
    private long _clock;
    private int _number;

    public long Now => Interlocked.Read(ref _clock);

    public long Tick() => Interlocked.Increment(ref _clock);

    public int NextNumber() => Interlocked.Increment(ref _number);
}
