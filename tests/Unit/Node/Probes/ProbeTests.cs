using k8s.Models;
using Knet.Node.Probes;
using Xunit;

namespace Knet.Tests.Unit.Node.Probes;

public sealed class ProbeTests
{
    [Fact]
    public void Results_CountOnlyInARow()
    {
        var timing = new ProbeTiming(new V1Probe { FailureThreshold = 3, SuccessThreshold = 2 }, initially: true);
        Assert.Equal([false, false, false, false, false, true], new[] { false, false, true, false, false, false }.Select(timing.Count));
        Assert.False(timing.Holds);
        Assert.Equal([false, true], new[] { true, true }.Select(timing.Count));
        Assert.True(timing.Holds);
    }

    [Fact]
    public void Defaults_AreKubernetes()
    {
        var timing = new ProbeTiming(new V1Probe(), false);
        Assert.Equal((10, 1), ((int)timing.Period.TotalSeconds, (int)timing.Timeout.TotalSeconds));
        Assert.Equal((1, 3), (timing.SuccessThreshold, timing.FailureThreshold));
    }

    [Fact]
    public void EagerProbes_SlowDownWithTime()
    {
        var delays = new[] { 0, 99, 100, 600, 3000, 60000 }.Select(ms => ProbeTiming.EagerDelay(TimeSpan.FromMilliseconds(ms)).TotalMilliseconds);
        Assert.Equal([2, 2, 5, 10, 25, 50], delays);
    }

    [Theory]
    [InlineData(302, "/ready", "http://10.0.0.1:80/ready")]
    [InlineData(307, "https://10.0.0.1:8443/", "https://10.0.0.1:8443/")]
    [InlineData(301, "http://elsewhere/", null)]
    [InlineData(304, "/ready", null)]
    [InlineData(302, null, null)]
    public void Redirects_AreFollowedOnTheSameHost(int code, string? location, string? next)
    {
        var first = new Uri("http://10.0.0.1/start");
        var to = location is null ? null : new Uri(location, UriKind.RelativeOrAbsolute);
        Assert.Equal(next is null ? null : new Uri(next), ProbeRedirect.Next(first, first, code, to));
    }

    [Fact]
    public void HealthRequest_IsAGrpcFrame()
    {
        Assert.Equal(new byte[] { 0, 0, 0, 0, 0 }, ProbeClient.HealthRequest(""));
        Assert.Equal(new byte[] { 0, 0, 0, 0, 3, 0x0a, 1, (byte)'x' }, ProbeClient.HealthRequest("x"));
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 8, 1 }, 1)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 8, 2 }, 2)]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 }, 0)]
    [InlineData(new byte[0], null)]
    public void HealthAnswer_HasAStatus(byte[] body, int? expected) => Assert.Equal(expected, ProbeClient.HealthAnswer(body));
}
