using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>A Service from its YAML to its answer.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ServiceTests(KnetPlatform knet)
{
    [Fact]
    public async Task ServiceWithALoadedImage_BecomesReadyAndAnswers()
    {
        (await knet.ApplyAsync(Manifests.Service("loaded", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/loaded");
        Assert.Contains("one", await knet.CurlAsync("loaded"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServiceWithAnImageInALoopbackRegistry_BecomesReadyAndAnswers()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        await registry.PushAsync(TestImages.V1Tar, "hello:v1");
        (await knet.ApplyAsync(Manifests.Service("pulled", $"{registry.Address}/hello:v1"))).OrFail();
        await knet.WaitReadyAsync("ksvc/pulled");
        Assert.Contains("one", await knet.CurlAsync("pulled"), StringComparison.Ordinal);

        var revision = await knet.GetAsync("revision", "pulled-00001");
        var digest = revision["status"]!["containerStatuses"]![0]!["imageDigest"]!.GetValue<string>();
        Assert.StartsWith($"{registry.Address}/hello@sha256:", digest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NginxFromDebianPackages_Answers()
    {
        (await knet.ApplyAsync(Manifests.Service("nginx", TestImages.Nginx, "ports:\n- containerPort: 80"))).OrFail();
        await knet.WaitReadyAsync("ksvc/nginx");
        Assert.Contains("nginx", await knet.CurlAsync("nginx"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task ProgramThatListensOnLoopbackOnly_Answers()
    {
        (await knet.ApplyAsync(Manifests.Service("loopback", TestImages.V1, "env:\n- name: BIND\n  value: 127.0.0.1"))).OrFail();
        await knet.WaitReadyAsync("ksvc/loopback");
        Assert.Contains("one", await knet.CurlAsync("loopback"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PriorKnowledgeHttp2AndHttp1_ShareThePort()
    {
        (await knet.ApplyAsync(Manifests.Service("protocols", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/protocols");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://protocols.default.localhost/"))
        {
            Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await knet.Http.SendAsync(request);
        Assert.Equal(new Version(2, 0), response.Version);
        Assert.Contains("one", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("one", await knet.CurlAsync("protocols"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PodReachesServicesAndApi_ByTheirClusterNames()
    {
        (await knet.ApplyAsync(Manifests.Service("named", TestImages.V1))).OrFail();
        await knet.WaitReadyAsync("ksvc/named");
        (await knet.KubectlAsync("run", "client", $"--image={TestImages.Busybox}", "--command", "--", "sleep", "600")).OrFail();
        await knet.WaitReadyAsync("pod/client");

        foreach (var host in (string[])["named.default.svc.cluster.local", "named.default"])
        {
            var get = (await knet.KubectlAsync("exec", "client", "--", "wget", "-qO-", $"http://{host}/")).OrFail();
            Assert.Contains("one", get.Output, StringComparison.Ordinal);
        }

        var resolved = (await knet.KubectlAsync("exec", "client", "--", "nslookup", "kubernetes.default.svc.cluster.local")).OrFail();
        Assert.Contains(KnetPlatform.ApiAddress, resolved.Output, StringComparison.Ordinal);
        var token = (await knet.KubectlAsync("exec", "client", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")).OrFail();
        Assert.Equal(3, token.Output.Trim().Split('.').Length);
        (await knet.KubectlAsync("delete", "pod", "client", "--grace-period=1")).OrFail();
    }
}
