namespace Knet.Serving.Autoscaler;

/// <summary>Sums per second over the last window, and their averages (serving.md 12.1).</summary>
/// <remarks>Not for several threads at once.</remarks>
internal sealed class TimedBuckets
{
    private const double WeightLeft = 0.0001;
    private const double SmoothingMin = 0.2;

    private readonly double[] _sums;
    private long _first;
    private long _last = long.MinValue;

    /// <param name="window">Seconds, at least 1.</param>
    public TimedBuckets(int window) => _sums = new double[Math.Max(1, window)];

    public int Window => _sums.Length;

    /// <summary>Adds a value to a second; values older than the window are dropped.</summary>
    public void Record(long second, double value)
    {
        if (IsEmpty(second))
        {
            Array.Clear(_sums);
            _first = _last = second;
        }

        if (second <= _last - _sums.Length)
        {
            return;
        }

        for (; _last < second; _last++)
        {
            _sums[IndexOf(_last + 1)] = 0;
        }

        _first = Math.Min(_first, second);
        _sums[IndexOf(second)] += value;
    }

    /// <summary>Nothing was recorded for a whole window.</summary>
    public bool IsEmpty(long now) => _last == long.MinValue || now - _last >= _sums.Length;

    /// <summary>
    /// The average over the last seconds, from the first to the last one recorded: seconds after the last record are outside of the
    /// window, yet do not count as zeros.
    /// </summary>
    public double Average(long now, int window, AggregationAlgorithm algorithm)
    {
        window = Math.Min(window, _sums.Length);
        var silent = (int)Math.Clamp(now - _last, 0, window);
        var count = (int)Math.Min(_last - _first + 1, window - silent);
        if (IsEmpty(now) || count <= 0)
        {
            return 0;
        }

        return algorithm == AggregationAlgorithm.Linear ? Linear(count) : Weighted(count, window, silent);
    }

    /// <summary>The same records in a longer or shorter window.</summary>
    public TimedBuckets Resize(int window)
    {
        var resized = new TimedBuckets(window);
        for (var second = Math.Max(_first, _last - _sums.Length + 1); _last != long.MinValue && second <= _last; second++)
        {
            resized.Record(second, _sums[IndexOf(second)]);
        }

        return resized;
    }

    private double Linear(int count)
    {
        var total = 0.0;
        for (var i = 0; i < count; i++)
        {
            total += _sums[IndexOf(_last - i)];
        }

        return Math.Round(total / count, 6, MidpointRounding.AwayFromZero);
    }

    // Each second weighs (1 - c) of the one after it; c is so large that the window holds all but a ten-thousandth of the weight.
    private double Weighted(int count, int window, int silent)
    {
        var smoothing = Math.Max(SmoothingMin, 1 - Math.Pow(WeightLeft, 1.0 / window));
        var weight = smoothing * Math.Pow(1 - smoothing, silent);
        var total = 0.0;
        for (var i = 0; i < count; i++)
        {
            total += _sums[IndexOf(_last - i)] * weight;
            weight *= 1 - smoothing;
        }

        return total;
    }

    private int IndexOf(long second) => (int)(((second % _sums.Length) + _sums.Length) % _sums.Length);
}
