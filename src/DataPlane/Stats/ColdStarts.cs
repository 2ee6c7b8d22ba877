using System.Collections.Concurrent;

namespace Knet.DataPlane.Stats;

/// <summary>The named parts of a cold start, in their order.</summary>
public enum ColdStartPhase
{
    /// <summary>The first request was queued (gateway).</summary>
    Queued,

    /// <summary>The autoscaler decided to start instances.</summary>
    Decided,

    /// <summary>The pod object reached the node.</summary>
    Created,

    /// <summary>The container's process was started.</summary>
    Started,

    /// <summary>The node saw the instance ready.</summary>
    Ready,

    /// <summary>The first byte of the response left (gateway); ends the record.</summary>
    FirstByte,
}

/// <summary>One finished cold start: milliseconds since the first request was queued at which each later phase was reached.</summary>
public sealed record ColdStart(
    string Namespace, string Revision, DateTimeOffset At, IReadOnlyDictionary<ColdStartPhase, double> Milliseconds);

/// <summary>
/// Collects the parts of each cold start from the roles that see them. Shared by the roles of one process; a role whose partner runs
/// elsewhere marks into the void. Keeps the last <paramref name="capacity"/> finished records.
/// </summary>
public sealed class ColdStarts(TimeProvider time, int capacity = 1024)
{
    private readonly ConcurrentDictionary<(string, string), long[]> _open = new();
    private readonly Queue<ColdStart> _finished = new();

    /// <summary>A finished record, for metrics and traces. Called from the request path.</summary>
    public event Action<ColdStart>? Finished;

    /// <summary>
    /// Notes that a Revision reached a phase. Only <see cref="ColdStartPhase.Queued"/> opens a record; the first mark of each phase
    /// counts; marks without an open record are ignored.
    /// </summary>
    public void Mark(string ns, string revision, ColdStartPhase phase)
    {
        var now = time.GetTimestamp();
        if (phase == ColdStartPhase.Queued)
        {
            var fresh = new long[6];
            fresh[0] = now;
            _open.TryAdd((ns, revision), fresh);
            return;
        }

        if (!_open.TryGetValue((ns, revision), out var marks))
        {
            return;
        }

        Interlocked.CompareExchange(ref marks[(int)phase], now, 0);
        if (phase == ColdStartPhase.FirstByte && _open.TryRemove(new KeyValuePair<(string, string), long[]>((ns, revision), marks)))
        {
            Finish(ns, revision, marks);
        }
    }

    /// <summary>The last finished records, oldest first.</summary>
    public IReadOnlyList<ColdStart> Recent()
    {
        lock (_finished)
        {
            return [.. _finished];
        }
    }

    private void Finish(string ns, string revision, long[] marks)
    {
        var parts = new Dictionary<ColdStartPhase, double>();
        for (var phase = ColdStartPhase.Decided; phase <= ColdStartPhase.FirstByte; phase++)
        {
            if (marks[(int)phase] is var at and not 0)
            {
                parts[phase] = time.GetElapsedTime(marks[0], at).TotalMilliseconds;
            }
        }

        var record = new ColdStart(ns, revision, time.GetUtcNow(), parts);
        lock (_finished)
        {
            _finished.Enqueue(record);
            if (_finished.Count > capacity)
            {
                _finished.Dequeue();
            }
        }

        Finished?.Invoke(record);
    }
}
