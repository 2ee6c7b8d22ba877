using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>What an instance has in the kernel is its own, and comes back.</summary>
[Collection(SharedPlatform.Name)]
public sealed class InstanceTests(KnetPlatform knet)
{
    [Fact]
    public async Task SecondDaemonOfTheSameName_IsRefusedAndDisturbsNothing()
    {
        var other = Directory.CreateTempSubdirectory("knet-other-").FullName;
        var environment = new Dictionary<string, string>
        {
            ["KNET_HOME"] = other, ["KNET_RUN"] = other + "-run", ["KUBECONFIG"] = Path.Combine(other, "user"),
        };
        string[] up = ["up", "--instance", "E", "--pod-range", "10.84.0.0/16", "--service-range", "10.85.0.0/16", "--api-port", "16445"];
        var result = await Shell.RunAsync(Repository.Knet, up, environment: environment);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("uses the names of instance \"e\" (interface knete0)", result.Output + result.Error, StringComparison.Ordinal);
        (await Shell.RunAsync(Repository.Knet, ["down", "--purge"], environment: environment)).OrFail();
        Assert.Contains("knete0", (await Shell.RunAsync("ip", ["link", "show", "knete0"])).OrFail().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NetworkThatSomebodyTookAway_IsMadeAgainForOldAndNewPods()
    {
        (await knet.ApplyAsync(Manifests.Service("mended", TestImages.V1) + Manifests.Pod("before", "sleep 1000"))).OrFail();
        await knet.WaitReadyAsync("ksvc/mended");
        await knet.WaitReadyAsync("pod/before");

        var gateway = (string?)(await knet.GetAsync("svc", "knet-gateway", "knative-serving"))["spec"]!["clusterIP"];
        const string name = "mended.default.svc.cluster.local";
        var ask = $"nslookup {name} >/dev/null && timeout 3 wget -qO- --header 'Host: {name}' http://{gateway}";
        Assert.Equal("one", await AskAsync("before", ask));

        (await Shell.RunAsync("ip", ["link", "delete", "knete0"])).OrFail();
        (await knet.ApplyAsync(Manifests.Pod("after", "sleep 1000"))).OrFail();
        await knet.WaitReadyAsync("pod/after");
        foreach (var pod in (string[])["before", "after"])
        {
            await KnetPlatform.UntilAsync(async () => await AskAsync(pod, ask) == "one", 40, $"pod {pod} reaches names and Services");
        }

        (await knet.KubectlAsync("delete", "--force", "--grace-period=0", "pod/before", "pod/after")).OrFail();
    }

    private async Task<string> AskAsync(string pod, string command) =>
        (await knet.KubectlAsync("exec", pod, "--", "sh", "-c", command)).Output.Trim();
}
