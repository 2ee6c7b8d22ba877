using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>Starting, being killed, and going away: with a platform of its own.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public async Task FirstCommandOfTheReadme_DeploysTheSampleAndChangesNothingTheSecondTime()
    {
        var knet = new KnetPlatform();
        try
        {
            var first = await knet.DoUpAsync();
            Assert.Contains("hello is ready at http://hello.default.localhost", first.Output, StringComparison.Ordinal);
            Assert.Equal("Hello Knet!", (await knet.CurlAsync("hello")).Trim());
            var before = await StateAsync(knet);

            await knet.DoUpAsync();
            Assert.Equal(before, await StateAsync(knet));
        }
        finally
        {
            await knet.DisposeAsync();
        }
    }

    [Fact]
    public async Task KilledDaemon_LosesNothingAcknowledgedAndFindsItsPods()
    {
        var knet = new KnetPlatform();
        try
        {
            await knet.InitializeAsync();
            var service = Manifests.Service("survivor", TestImages.V1).Replace("window: 6s", "min-scale: \"1\"", StringComparison.Ordinal);
            (await knet.ApplyAsync(service)).OrFail();
            await knet.WaitReadyAsync("ksvc/survivor");
            var podBefore = await PodAsync(knet);

            var acknowledged = await KillDuringWritesAsync(knet);
            Assert.True(acknowledged.Count > 3, $"only {acknowledged.Count} writes before the kill");

            (await knet.UpAsync()).OrFail();
            foreach (var name in acknowledged)
            {
                Assert.Equal(name, (string?)(await knet.GetAsync("configmap", name))["data"]!["written"]);
            }

            Assert.Equal(podBefore, await PodAsync(knet));
            Assert.Contains("one", await knet.CurlAsync("survivor"), StringComparison.Ordinal);
        }
        finally
        {
            await knet.DisposeAsync();
        }
    }

    [Fact]
    public async Task PodsOfEveryKind_OutliveAKilledDaemonAndRunAgainAfterDown()
    {
        var knet = new KnetPlatform();
        try
        {
            await knet.InitializeAsync();
            (await knet.ApplyAsync(
                Manifests.Pod("steady", "sleep 10000") + Manifests.Pod("crashing", "exit 3")
                + Manifests.Pod("slow", "sleep 10000", init: "sleep 300")))
                .OrFail();
            await knet.WaitReadyAsync("pod/steady");
            await KnetPlatform.UntilAsync(() => HasRestartedAsync(knet, "crashing"), 30, "a restart");
            await KnetPlatform.UntilAsync(async () => (await PodLineAsync(knet, "slow")).Split(' ')[1].Length > 0, 30, "an address");
            string[] names = ["steady", "crashing", "slow"];
            var before = await Task.WhenAll(names.Select(name => IdentityAsync(knet, name)));

            (await Shell.RunAsync("kill", ["-9", await PidAsync(knet)])).OrFail();
            var begun = TimeProvider.System.GetTimestamp();
            await Task.WhenAll(knet.UpAsync(), knet.UpAsync()); // the second waits for the first
            Assert.InRange(TimeProvider.System.GetElapsedTime(begun).TotalSeconds, 0, 60); // not for the init container
            Assert.Equal(before, await Task.WhenAll(names.Select(name => IdentityAsync(knet, name))));

            (await knet.KnetAsync("down")).OrFail();
            (await knet.KnetAsync("down")).OrFail();
            await knet.UpAsync();
            await KnetPlatform.UntilAsync(() => HasRestartedAsync(knet, "steady"), 40, "steady again");
            await knet.WaitReadyAsync("pod/steady");
        }
        finally
        {
            await knet.DisposeAsync();
        }
    }

    [Fact]
    public async Task Down_LeavesTheMachineAsItWas()
    {
        var before = await MachineAsync();
        var knet = new KnetPlatform();
        try
        {
            await knet.InitializeAsync();
            (await knet.ApplyAsync(Manifests.Service("trace", TestImages.V1))).OrFail();
            await knet.WaitReadyAsync("ksvc/trace");
        }
        finally
        {
            await knet.DisposeAsync();
        }

        Assert.Equal(before, await MachineAsync());
        Assert.False(Directory.Exists(knet.Home));
        Assert.False(Directory.Exists(knet.RunDirectory));
    }

    /// <summary>The daemon, and the sample's generation and revisions.</summary>
    private static async Task<string> StateAsync(KnetPlatform knet) =>
        (await knet.KnetAsync("status")).OrFail().Output.Split('\n')[0]
        + (await knet.GetAsync("ksvc", "hello"))["metadata"]!["generation"]
        + (await knet.KubectlAsync("get", "revisions", "-o", "name")).OrFail().Output;

    /// <summary>Name, uid, address and restarts of the one pod.</summary>
    private static async Task<string> PodAsync(KnetPlatform knet) =>
        (await knet.KubectlAsync(
            "get", "pods", "-l", "serving.knative.dev/service=survivor", "-o",
            "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} " +
            "{.status.podIP} {.status.containerStatuses[0].restartCount}{\"\\n\"}{end}")).OrFail().Output;

    /// <summary>Uid, address and restarts of a pod.</summary>
    private static async Task<string> PodLineAsync(KnetPlatform knet, string name) =>
        (await knet.KubectlAsync(
            "get", "pod", name, "-o", "jsonpath={.metadata.uid} {.status.podIP} {.status.containerStatuses[0].restartCount}")).OrFail().Output;

    private static async Task<bool> HasRestartedAsync(KnetPlatform knet, string name) =>
        !(await PodLineAsync(knet, name)).EndsWith(" 0", StringComparison.Ordinal);

    private static async Task<string> IdentityAsync(KnetPlatform knet, string name) =>
        string.Join(' ', (await PodLineAsync(knet, name)).Split(' ')[..2]);

    private static async Task<string> PidAsync(KnetPlatform knet) =>
        (await knet.KnetAsync("status")).OrFail().Output.Split("pid ")[1].Split('\n')[0].Trim();

    /// <summary>Writes ConfigMaps one after another and kills the daemon in the middle; answers the names of those acknowledged.</summary>
    private static async Task<List<string>> KillDuringWritesAsync(KnetPlatform knet)
    {
        var pid = await PidAsync(knet);
        var acknowledged = new List<string>();
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var name = $"write-{i}";
                if ((await knet.KubectlAsync("create", "configmap", name, $"--from-literal=written={name}")).ExitCode != 0)
                {
                    return;
                }

                acknowledged.Add(name);
            }
        });
        await KnetPlatform.UntilAsync(() => Task.FromResult(acknowledged.Count >= 5), 30, "five writes");
        (await Shell.RunAsync("kill", ["-9", pid])).OrFail();
        await stop.CancelAsync();
        await writer;
        return acknowledged;
    }

    /// <summary>
    /// All that a run could leave behind, as the usual tools show it; without what a platform of the user's, or of another test run, has on the
    /// machine at the same time (names beginning with knet or knp and another letter than the tests' e).
    /// </summary>
    private static async Task<string> MachineAsync() =>
        (await Shell.BashAsync("""
            others() { grep -vE '\bkn(et|p)([^e]|$)' || true; }
            echo "== links"; ip -o link | sed -E 's/^[0-9]+: //; s/ mtu.*//' | others
            echo "== addresses"; ip -o -4 addr | awk '{print $2, $4}' | others
            echo "== routes"; ip route | grep -E '^default|10\.8[23]\.' || true; ip rule
            echo "== namespaces"; ip netns list
            echo "== nftables"; nft list tables | others
            echo "== mounts"; awk '{print $5}' /proc/self/mountinfo | grep -E 'knet-e2e|^/sys' | sort
            echo "== cgroups"; find /sys/fs/cgroup -maxdepth 2 -name knete
            echo "== processes"; ps -eo args= | grep -F knet-e2e- | grep -v grep || true
            echo "== hosts"; cat /etc/hosts
            """)).OrFail().Output;
}
