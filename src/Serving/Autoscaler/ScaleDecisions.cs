using System.Collections.Concurrent;
using Knet.DataPlane.Stats;
using Knet.Kube.Facts;
using Microsoft.Extensions.Logging;

namespace Knet.Serving.Autoscaler;

/// <summary>How many pods should a Revision have?</summary>
/// <param name="ReadyPods">Pods that take requests now.</param>
public sealed record DeciderQuery(string Namespace, string Name, DeciderSpec Spec, int ReadyPods);

/// <summary>
/// The autoscaler: collects traffic every second, decides every two, and at once when a request finds no instance. Its answers are facts:
/// whoever asked is woken when one changes. Asking starts the measuring of a Revision; when nobody asks any more it ends.
/// </summary>
/// <remarks>
/// A poke runs on the thread of the request and takes microseconds: counting, deciding, adding a key to a work queue. It is the first step
/// of a cold start (docs/flows).
/// </remarks>
public sealed partial class ScaleDecisions : IFactSource<DeciderQuery, ScaleDecision>, IDisposable
{
    /// <summary>Upstream's scrape interval, and the granularity of the windows.</summary>
    private static readonly TimeSpan CollectEvery = TimeSpan.FromSeconds(1);

    /// <summary>Upstream decides every second collection.</summary>
    private const int CollectionsPerDecision = 2;

    private readonly ConcurrentDictionary<(string Namespace, string Name), RevisionScaler> _scalers = new();
    private readonly List<RevisionSample> _samples = [];
    private readonly HashSet<(string Namespace, string Name)> _sampled = [];
    private readonly IRevisionStats _stats;
    private readonly ColdStarts _coldStarts;
    private readonly TimeProvider _time;
    private readonly ILogger<ScaleDecisions> _log;
    private readonly ITimer _timer;
    private int _collections;
    private int _running;

    public ScaleDecisions(IRevisionStats stats, ColdStarts coldStarts, TimeProvider time, ILoggerFactory logs)
    {
        (_stats, _coldStarts, _time) = (stats, coldStarts, time);
        _log = logs.CreateLogger<ScaleDecisions>();
        _stats.Starved += Poke;
        _timer = time.CreateTimer(static self => ((ScaleDecisions)self!).Tick(), this, CollectEvery, CollectEvery);
    }

    public Fact<ScaleDecision> Ask(DeciderQuery query, Action wake) => new Fact<ScaleDecision>.Known(
        _scalers.GetOrAdd(
            (query.Namespace, query.Name), static (_, arg) => new RevisionScaler(arg.query, arg.now), (query, now: _time.GetUtcNow()))
            .Ask(query, wake));

    public void Forget(DeciderQuery query)
    {
        // An older form of a query that is still asked: the measurements go on.
        if (_scalers.TryGetValue((query.Namespace, query.Name), out var scaler) && scaler.Query == query)
        {
            _scalers.TryRemove((query.Namespace, query.Name), out _);
        }
    }

    /// <summary>A request found no instance of this Revision: decide now.</summary>
    public void Poke(string ns, string name)
    {
        if (_scalers.TryGetValue((ns, name), out var scaler) && scaler.Poke(_time.GetUtcNow()))
        {
            _coldStarts.Mark(ns, name, ColdStartPhase.Decided);
        }
    }

    public void Dispose()
    {
        _stats.Starved -= Poke;
        _timer.Dispose();
    }

    private void Tick()
    {
        if (Interlocked.Exchange(ref _running, 1) != 0)
        {
            return;
        }

        try
        {
            Collect();
            if (++_collections % CollectionsPerDecision == 0)
            {
                var now = _time.GetUtcNow();
                foreach (var scaler in _scalers.Values)
                {
                    scaler.Decide(now);
                }
            }
        }
        catch (Exception e)
        {
            // The outer edge of the loop: one bad second must not end the scaling of everything.
            Log.TickFailed(_log, e);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    private void Collect()
    {
        var now = _time.GetUtcNow();
        _samples.Clear();
        _sampled.Clear();
        _stats.Collect(_samples);
        foreach (var sample in _samples)
        {
            _sampled.Add((sample.Namespace, sample.Revision));
            if (_scalers.TryGetValue((sample.Namespace, sample.Revision), out var scaler)
                && scaler.Record(sample.AverageConcurrency, sample.RequestCount, now)
                && scaler.Decide(now))
            {
                _coldStarts.Mark(sample.Namespace, sample.Revision, ColdStartPhase.Decided);
            }
        }

        // No traffic is a measurement too.
        foreach (var (key, scaler) in _scalers)
        {
            if (!_sampled.Contains(key))
            {
                scaler.Record(0, 0, now);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Error, "collecting traffic or deciding failed; the next second tries again")]
        public static partial void TickFailed(ILogger logger, Exception e);
    }
}
