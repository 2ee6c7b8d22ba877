using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>New revisions, splits, tags and going back.</summary>
[Collection(SharedPlatform.Name)]
public sealed class TrafficTests(KnetPlatform knet)
{
    [Fact]
    public async Task NewImage_MakesARevisionWithoutAFailedRequest()
    {
        (await knet.ApplyAsync(Manifests.Service("rollout", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/rollout");
        using var stop = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LoadAsync("rollout", stop.Token)));

        (await knet.ApplyAsync(Manifests.Service("rollout", TestImages.V2))).OrFail();
        await KnetPlatform.UntilAsync(
            async () => (await knet.CurlAsync("rollout")).Contains("two", StringComparison.Ordinal), 60, "the new revision answers");
        await stop.CancelAsync();

        var failures = (await load).SelectMany(f => f).ToList();
        Assert.Empty(failures);
        Assert.Equal("rollout-00002", (string?)(await knet.GetAsync("ksvc", "rollout"))["status"]!["latestReadyRevisionName"]);
    }

    [Fact]
    public async Task SplitAndRollback_AreVisibleInTheAnswers()
    {
        (await knet.ApplyAsync(Manifests.Service("split", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/split");
        (await knet.ApplyAsync(Manifests.Service("split", TestImages.V2))).OrFail();
        await KnetPlatform.UntilAsync(async () => (await knet.CurlAsync("split")).Contains("two", StringComparison.Ordinal), 60, "v2 answers");

        await PatchTrafficAsync("""
            [{"revisionName":"split-00001","percent":50,"tag":"blue"},{"revisionName":"split-00002","percent":50,"tag":"green"}]
            """);
        var (one, two) = await CountAsync(200);
        Assert.InRange(one, 50, 150);
        Assert.InRange(two, 50, 150);
        Assert.Contains("one", await knet.CurlAsync("blue-split"), StringComparison.Ordinal);
        Assert.Contains("two", await knet.CurlAsync("green-split"), StringComparison.Ordinal);

        await PatchTrafficAsync("""[{"revisionName":"split-00001","percent":100}]""");
        Assert.Equal((50, 0), await CountAsync(50));
    }

    private async Task PatchTrafficAsync(string traffic)
    {
        var patch = "{\"spec\":{\"traffic\":" + traffic + "}}";
        (await knet.KubectlAsync("patch", "ksvc", "split", "--type=merge", "-p", patch)).OrFail();
        var generation = (await knet.GetAsync("ksvc", "split"))["metadata"]!["generation"]!.GetValue<long>();
        await KnetPlatform.UntilAsync(
            async () => (await knet.GetAsync("ksvc", "split"))["status"]!["observedGeneration"]!.GetValue<long>() == generation,
            20,
            "the patch is observed");
        await knet.WaitReadyAsync("ksvc/split");
    }

    private async Task<(int One, int Two)> CountAsync(int requests)
    {
        var answers = new List<string>();
        for (var i = 0; i < requests; i++)
        {
            answers.Add(await knet.CurlAsync("split"));
        }

        return (answers.Count(a => a.Contains("one", StringComparison.Ordinal)), answers.Count(a => a.Contains("two", StringComparison.Ordinal)));
    }

    private async Task<List<string>> LoadAsync(string service, CancellationToken stop)
    {
        var failures = new List<string>();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var response = await knet.Http.GetAsync(new Uri($"http://{service}.default.localhost/"), CancellationToken.None);
                if ((int)response.StatusCode != 200)
                {
                    failures.Add($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(CancellationToken.None)}");
                }
            }
            catch (HttpRequestException e)
            {
                failures.Add(e.Message);
            }
        }

        return failures;
    }
}
