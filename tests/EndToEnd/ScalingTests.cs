using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>To zero and back.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ScalingTests(KnetPlatform knet)
{
    [Fact]
    public async Task IdleService_GoesToZeroAndAnswersAgain()
    {
        (await knet.ApplyAsync(Manifests.Service("idle", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/idle");
        await ToZeroAsync("idle");
        Assert.Contains("one", await knet.CurlAsync("idle"), StringComparison.Ordinal);
        Assert.True(await knet.PodsAsync("idle") >= 1);
    }

    [Fact]
    public async Task HundredRequestsAtZero_AreAllAnswered()
    {
        (await knet.ApplyAsync(Manifests.Service("burst", TestImages.V1, concurrency: 10))).OrFail();
        await knet.WaitReadyAsync("ksvc/burst");
        await ToZeroAsync("burst");
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            using var response = await knet.Http.GetAsync(new Uri("http://burst.default.localhost/"));
            return (int)response.StatusCode;
        }));
        Assert.All(answers, code => Assert.Equal(200, code));
    }

    private async Task ToZeroAsync(string service)
    {
        // Window 6 s, then the grace period of config-autoscaler (set to 1 s for the tests), then the pod's own termination.
        await KnetPlatform.UntilAsync(async () => await knet.PodsAsync(service) == 0, 45, $"{service} has no pods");
        var revision = await knet.GetAsync("revision", $"{service}-00001");
        Assert.Contains(revision["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] == "Active" && (string?)c["reason"] == "NoTraffic");
        Assert.Contains(revision["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True");
    }
}
