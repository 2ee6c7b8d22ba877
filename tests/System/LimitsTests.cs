using Knet.Daemon.Startup;
using Xunit;

namespace Knet.Tests.System;

public sealed class LimitsTests
{
    [Fact]
    public void Limits_TakeNumbersQuantitiesAndDurations()
    {
        var options = DaemonOptions.Parse(["--limit", "objects=20k", "--limit", "image-bytes=5Gi", "--limit", "events-ttl=90m"]);
        Assert.Equal(
            new Limits { ObjectsOfAKind = 20_000, ImageBytes = 5L << 30, EventsTtl = TimeSpan.FromMinutes(90) }, options.Limits);
        Assert.Equal(20_000, options.Limits.OfStore.ObjectsMax);
    }

    [Theory]
    [InlineData("objects", "--limit must be name=value")]
    [InlineData("object=1", "there is no limit \"object\"; there are request-bytes, ")]
    [InlineData("history=5", "--limit history must be a whole number from 16")]
    [InlineData("log-bytes=1.5", "--limit log-bytes must be a whole number")]
    [InlineData("events-ttl=1s", "--limit events-ttl must be a duration of at least 1m")]
    public void BadLimit_IsRefusedWithTheWayOut(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => DaemonOptions.Parse(["--limit", text])).Message);
}
