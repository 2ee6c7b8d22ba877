using System.Globalization;

namespace Knet.Tests.Benchmarks;

/// <summary>Percentiles of a set of measurements, by nearest rank.</summary>
internal sealed class Summary(IEnumerable<double> values)
{
    private readonly double[] _sorted = [.. values.Order()];

    public double At(double percentile) =>
        _sorted.Length == 0 ? double.NaN : _sorted[Math.Clamp((int)Math.Ceiling(percentile / 100 * _sorted.Length) - 1, 0, _sorted.Length - 1)];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"median {At(50):0.0}  p90 {At(90):0.0}  p99 {At(99):0.0}  min {At(0):0.0}  max {At(100):0.0}  (n={_sorted.Length})");
}
