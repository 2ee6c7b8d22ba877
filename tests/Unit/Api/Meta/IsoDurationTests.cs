using Knet.Api.Meta;
using Xunit;

namespace Knet.Tests.Unit.Api.Meta;

/// <summary>ISO 8601 durations.</summary>
public sealed class IsoDurationTests
{
    [Theory]
    [InlineData("PT0S", 0)]
    [InlineData("PT0.2S", 0.2)]
    [InlineData("PT1M30S", 90)]
    [InlineData("P1DT2H", 93600)]
    [InlineData("P1W", 604800)]
    [InlineData("P1Y", 31556952)]
    [InlineData("P1M", 2629746)]
    [InlineData("-PT5S", -5)]
    public void Duration_IsRead(string text, double seconds)
    {
        Assert.True(IsoDuration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("P1DT")]
    [InlineData("5s")]
    [InlineData("PT5")]
    [InlineData("PT1S\n")]
    [InlineData("P99999999999Y")]
    public void OtherText_IsRefused(string? text) => Assert.False(IsoDuration.TryParse(text, out _));
}
