using Knet.Node.Pods;
using Knet.Oci;
using Xunit;

namespace Knet.Tests.Unit.Node.Pods;

public sealed class ContainerSpecsTests
{
    [Theory]
    [InlineData("""{"name":"c","image":"i"}""", "/entry serve")]
    [InlineData("""{"name":"c","image":"i","args":["x$(A)"]}""", "/entry x1")]
    [InlineData("""{"name":"c","image":"i","command":["/cmd"]}""", "/cmd")]
    [InlineData("""{"name":"c","image":"i","command":["/cmd","$(B)"],"args":["$$(A)"]}""", "/cmd $(B) $(A)")]
    public void Arguments_FollowCommandArgsAndImage(string container, string expected) =>
        Assert.Equal(expected, string.Join(' ', ContainerSpecs.Of(APod.Inputs(APod.WithContainer(container))).Args));

    [Fact]
    public void NoCommandAnywhere_IsSaid()
    {
        var inputs = APod.Inputs(APod.WithContainer("""{"name":"c","image":"img:1"}"""), new ImageConfig());
        var e = Assert.Throws<ContainerConfigException>(() => ContainerSpecs.Of(inputs));
        Assert.Contains("no command specified", e.Message);
        Assert.Contains("img:1", e.Message);
    }

    [Fact]
    public void Environment_PodOverridesImageOverridesDefaults()
    {
        var image = new ImageConfig { Entrypoint = ["/e"], Env = ["PATH=/img", "A=image", "B=image"] };
        var env = ContainerSpecs.Of(APod.Inputs(APod.WithContainer("""{"name":"c","image":"i"}"""), image)).Env;
        Assert.Equal(["PATH=/img", "HOSTNAME=web", "A=1", "B=image"], env);
    }

    [Fact]
    public void OrdinaryContainer_GetsNoPrivilegesItDidNotAskFor()
    {
        var spec = ContainerSpecs.Of(APod.Inputs(APod.WithContainer("""{"name":"c","image":"i"}""")));
        Assert.True(spec.NoNewPrivileges);
        Assert.True(spec.Seccomp);
        Assert.Contains("CAP_NET_BIND_SERVICE", spec.Capabilities);
        Assert.DoesNotContain("CAP_SYS_ADMIN", spec.Capabilities);
    }

    [Fact]
    public void AllowedEscalationAndUnconfined_AreHonoured()
    {
        var spec = ContainerSpecs.Of(APod.Inputs(APod.WithContainer("""
            {"name":"c","image":"i","securityContext":{"allowPrivilegeEscalation":true,"seccompProfile":{"type":"Unconfined"},
             "capabilities":{"drop":["ALL"],"add":["NET_ADMIN"]}}}
            """)));
        Assert.False(spec.NoNewPrivileges);
        Assert.False(spec.Seccomp);
        Assert.Equal(["CAP_NET_ADMIN"], spec.Capabilities);
    }

    [Fact]
    public void Capabilities_ThatThisProcessLacks_AreNotPromised()
    {
        var inputs = APod.Inputs(APod.WithContainer("""{"name":"c","image":"i"}""")) with { Rights = new(1, 10, 100) };
        var spec = ContainerSpecs.Of(inputs);
        Assert.Equal(["CAP_CHOWN"], spec.Capabilities);
        Assert.Equal(10, spec.OpenFilesMax);
    }

    [Fact]
    public void User_ComesFromTheImagesOwnFiles()
    {
        var image = new ImageConfig { Entrypoint = ["/e"], User = "app" };
        var pod = APod.WithContainer("""{"name":"c","image":"i"}""", ""","securityContext":{"fsGroup":77,"supplementalGroups":[5]}""");
        var user = ContainerSpecs.Of(APod.Inputs(pod, image)).User;
        Assert.Equal((1000u, 1001u), (user.Uid, user.Gid));
        Assert.Equal([5u, 50u, 77u], user.Groups);
    }

    [Theory]
    [InlineData("""{"runAsNonRoot":true}""", "", "will run as root")]
    [InlineData("""{"runAsNonRoot":true}""", "app", "non-numeric user (app)")]
    [InlineData("""{"runAsNonRoot":true,"runAsUser":0}""", "1000", "breaks non-root policy")]
    [InlineData("{}", "ghost", "unable to find user ghost")]
    public void User_ThatMayNotBe_IsRefused(string security, string imageUser, string expected)
    {
        var pod = APod.WithContainer($$"""{"name":"c","image":"i","securityContext":{{security}}}""");
        var e = Assert.Throws<ContainerConfigException>(
            () => ContainerSpecs.Of(APod.Inputs(pod, new ImageConfig { Entrypoint = ["/e"], User = imageUser })));
        Assert.Contains(expected, e.Message);
    }

    [Theory]
    [InlineData("{}", null, 2L, null)]
    [InlineData("""{"requests":{"cpu":"250m"}}""", null, 256L, null)]
    [InlineData("""{"limits":{"cpu":"1500m","memory":"64Mi"}}""", 67108864L, 1536L, 150000L)]
    [InlineData("""{"limits":{"cpu":"1m"}}""", null, 2L, 1000L)]
    public void Limits_BecomeSharesAndQuota(string resources, long? memory, long? shares, long? quota)
    {
        var pod = APod.WithContainer($$"""{"name":"c","image":"i","resources":{{resources}}}""");
        var limits = ContainerSpecs.Limits(pod.Spec.Containers[0].Resources, 9);
        Assert.Equal((memory, shares, quota, 9L), (limits.MemoryBytes, limits.CpuShares, limits.CpuQuotaMicros, limits.Pids!.Value));
    }

    [Theory]
    [InlineData("{}", 1000)]
    [InlineData("""{"requests":{"memory":"400"}}""", 600)]
    [InlineData("""{"limits":{"memory":"400","cpu":"1"}}""", -997)]
    public void OutOfMemoryScore_FollowsTheQosClass(string resources, int expected)
    {
        var pod = APod.WithContainer($$"""{"name":"c","image":"i","resources":{{resources}}}""");
        Assert.Equal(expected, ContainerSpecs.OomScoreAdj(pod, pod.Spec.Containers[0], 1000));
    }

    [Theory]
    [InlineData("SIGTERM", 15)]
    [InlineData("QUIT", 3)]
    [InlineData("10", 10)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("nonsense", 15)]
    public void StopSignals_HaveNumbers(string name, int number) => Assert.Equal(number, ContainerStop.SignalNumber(name));

    [Theory]
    [InlineData("\"hostNetwork\":true", "hostNetwork")]
    [InlineData("\"hostIPC\":true", "hostIPC")]
    [InlineData("\"securityContext\":{\"sysctls\":[{\"name\":\"kernel.msgmax\",\"value\":\"1\"}]}", "\"kernel.msgmax\" not allowlisted")]
    [InlineData("\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/\"}}]", "hostPath of volume v")]
    public void PodsThatWantTheMachine_AreRefused(string member, string named)
    {
        var pod = APod.With($$"""{"containers":[{"name":"c","image":"i"}],{{member}}}""");
        var refusal = PodRefusal.Of(pod, new Knet.Node.Agent.NodeOptions { Address = "10.0.0.1" });
        Assert.Contains(named, refusal!.Value.Message);
        Assert.Null(PodRefusal.Of(APod.WithContainer("""{"name":"c","image":"i"}"""), new Knet.Node.Agent.NodeOptions { Address = "10.0.0.1" }));
    }
}
