using CsCheck;
using Knet.Serving.Autoscaler;
using Xunit;

namespace Knet.Tests.Unit.Serving.Autoscaler;

public sealed class TimedBucketsTests
{
    [Fact]
    public void Average_BeforeTheWindowIsFull_DividesByTheSecondsSeen()
    {
        var buckets = new TimedBuckets(60);
        buckets.Record(100, 6);
        buckets.Record(101, 3);
        buckets.Record(101, 3);
        Assert.Equal(6, buckets.Average(101, 60, AggregationAlgorithm.Linear));
        buckets.Record(103, 0);
        Assert.Equal(3, buckets.Average(103, 60, AggregationAlgorithm.Linear));
        Assert.Equal(2, buckets.Average(103, 3, AggregationAlgorithm.Linear));
    }

    [Fact]
    public void Average_SilentSeconds_LeaveTheWindowButAreNoZeros()
    {
        var buckets = new TimedBuckets(5);
        for (var second = 0; second < 5; second++)
        {
            buckets.Record(second, second);
        }

        Assert.Equal(2, buckets.Average(4, 5, AggregationAlgorithm.Linear));
        Assert.Equal(3.5, buckets.Average(7, 5, AggregationAlgorithm.Linear));
        Assert.False(buckets.IsEmpty(8));
        Assert.True(buckets.IsEmpty(9));
        Assert.Equal(0, buckets.Average(9, 5, AggregationAlgorithm.Linear));
    }

    [Fact]
    public void Average_Weighted_FavoursTheYoungest()
    {
        var buckets = new TimedBuckets(6);
        buckets.Record(0, 10);
        buckets.Record(1, 0);

        // c = 1 - 0.0001^(1/6)
        var c = 1 - Math.Pow(0.0001, 1.0 / 6);
        Assert.Equal(10 * c * (1 - c), buckets.Average(1, 6, AggregationAlgorithm.WeightedExponential), 6);
    }

    [Fact]
    public void Average_AnyRecords_EqualsTheListOfTheWindow() =>
        Gen.Int[0, 9].Array[1, 40].Select(Gen.Int[1, 12]).Sample((values, window) =>
        {
            var buckets = new TimedBuckets(window);
            for (var second = 0; second < values.Length; second++)
            {
                buckets.Record(second, values[second]);
            }

            var expected = values.TakeLast(window).Average();
            return Math.Abs(buckets.Average(values.Length - 1, window, AggregationAlgorithm.Linear) - expected) < 1e-5;
        }, iter: 500);

    [Fact]
    public void Resize_KeepsWhatFits()
    {
        var buckets = new TimedBuckets(10);
        for (var second = 0; second < 10; second++)
        {
            buckets.Record(second, second);
        }

        Assert.Equal(8.5, buckets.Resize(2).Average(9, 2, AggregationAlgorithm.Linear));
        Assert.Equal(4.5, buckets.Resize(60).Average(9, 60, AggregationAlgorithm.Linear));
    }
}
