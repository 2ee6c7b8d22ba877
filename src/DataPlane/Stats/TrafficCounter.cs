using System.Runtime.InteropServices;

namespace Knet.DataPlane.Stats;

/// <summary>
/// Counts a Revision's requests and integrates how many there were at a time. One interlocked addition per arrival and departure, on a
/// cell of the current processor.
/// </summary>
/// <remarks>
/// A cell packs the change of the number of requests (upper 20 bits) and the sum of event times in microseconds since the last collection
/// (lower 44 bits; arrivals negative), so both change at once and the reader never sees half an event. One reader.
/// </remarks>
internal sealed class TrafficCounter
{
    private const int TimeBits = 44;
    private const long One = 1L << TimeBits;

    private readonly TimeProvider _time;
    private readonly double _ticksPerMicrosecond;
    private readonly Cell[] _cells;
    private long _since;
    private long _present;

    public TrafficCounter(TimeProvider time)
    {
        _time = time;
        _ticksPerMicrosecond = time.TimestampFrequency / 1e6;
        _cells = new Cell[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount)];
        _since = time.GetTimestamp();
    }

    public void Enter()
    {
        ref var cell = ref Mine();
        Interlocked.Increment(ref cell.Arrivals);
        Interlocked.Add(ref cell.Packed, One - Microseconds());
    }

    public void Leave() => Interlocked.Add(ref Mine().Packed, Microseconds() - One);

    /// <summary>The average number of requests present and the arrivals since the last call.</summary>
    /// <param name="present">Requests present now.</param>
    public (double AverageConcurrency, long Arrivals) Collect(out long present)
    {
        var now = _time.GetTimestamp();
        var length = (now - _since) / _ticksPerMicrosecond;
        long change = 0, weighted = 0, arrivals = 0;
        for (var i = 0; i < _cells.Length; i++)
        {
            var packed = Interlocked.Exchange(ref _cells[i].Packed, 0);
            var count = (packed + (One >> 1)) >> TimeBits;
            change += count;
            weighted += packed - (count << TimeBits);
            arrivals += Interlocked.Exchange(ref _cells[i].Arrivals, 0);
        }

        var integral = ((_present + change) * length) + weighted;
        _present += change;
        present = _present;
        Volatile.Write(ref _since, now);
        return (length <= 0 ? 0 : Math.Max(0, integral / length), arrivals);
    }

    private long Microseconds() => (long)((_time.GetTimestamp() - Volatile.Read(ref _since)) / _ticksPerMicrosecond);

    private ref Cell Mine() => ref _cells[Thread.GetCurrentProcessorId() & (_cells.Length - 1)];

    /// <summary>A cache line of its own.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Cell
    {
        public long Packed;
        public long Arrivals;
    }
}
