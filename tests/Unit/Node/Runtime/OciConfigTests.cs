using System.Text.Json.Nodes;
using Knet.Node.Pods;
using Knet.Node.Runtime;
using Knet.Tests.Unit.Node.Pods;
using Xunit;

namespace Knet.Tests.Unit.Node.Runtime;

public sealed class OciConfigTests
{
    [Fact]
    public void Configuration_SaysAllThatIsolates()
    {
        var config = Config("""{"name":"c","image":"i","resources":{"limits":{"cpu":"500m","memory":"1Mi"}}}""");
        var linux = config["linux"]!;
        Assert.Equal(
            ["pid", "ipc", "uts", "mount", "cgroup", "network"], linux["namespaces"]!.AsArray().Select(n => (string)n!["type"]!));
        Assert.Equal("/run/netns/n1", (string)linux["namespaces"]![5]!["path"]!);
        Assert.Equal("/knet/podu1/c1", (string)linux["cgroupsPath"]!);
        Assert.Equal(1048576, (long)linux["resources"]!["memory"]!["limit"]!);
        Assert.Equal((50000, 100000), ((long)linux["resources"]!["cpu"]!["quota"]!, (long)linux["resources"]!["cpu"]!["period"]!));
        Assert.False((bool)linux["resources"]!["devices"]![0]!["allow"]!);
        Assert.Contains("/proc/kcore", linux["maskedPaths"]!.AsArray().Select(p => (string)p!));
        Assert.Contains("/proc/sys", linux["readonlyPaths"]!.AsArray().Select(p => (string)p!));
        var process = config["process"]!;
        Assert.True((bool)process["noNewPrivileges"]!);
        Assert.Null(process["capabilities"]!["ambient"]);
        Assert.Null(process["capabilities"]!["inheritable"]);
        Assert.Equal("web", (string)config["hostname"]!);
    }

    [Fact]
    public void ContainersOfAPod_ShareIpcNameAndSharedMemory()
    {
        var alone = APod.Inputs(APod.WithContainer("""{"name":"c","image":"i"}"""));
        var inputs = alone with { Shared = new PodNamespaces("/p"), PidPath = "/proc/7/ns/pid" };
        var config = JsonNode.Parse(OciConfig.Write(ContainerSpecs.Of(inputs)))!;
        var paths = config["linux"]!["namespaces"]!.AsArray().ToDictionary(n => (string)n!["type"]!, n => (string?)n!["path"]);
        Assert.Equal(("/proc/7/ns/pid", "/p/ipc", "/p/uts", null), (paths["pid"], paths["ipc"], paths["uts"], paths["mount"]));
        Assert.Equal("/p/shm", (string)config["mounts"]!.AsArray().Single(m => (string)m!["destination"]! == "/dev/shm")!["source"]!);
    }

    [Fact]
    public void Seccomp_RefusesByDefaultAndLetsNobodyMakeNamespaces()
    {
        var seccomp = Config("""{"name":"c","image":"i"}""")["linux"]!["seccomp"]!;
        Assert.Equal("SCMP_ACT_ERRNO", (string)seccomp["defaultAction"]!);
        var rules = seccomp["syscalls"]!.AsArray();
        var allowed = rules.Where(r => (string)r!["action"]! == "SCMP_ACT_ALLOW" && r["args"] is null)
            .SelectMany(r => r!["names"]!.AsArray().Select(n => (string)n!)).ToHashSet();
        Assert.Superset(new HashSet<string> { "read", "openat", "execve", "futex", "accept4", "chroot" }, allowed);
        Assert.DoesNotContain(allowed, n => n is "mount" or "unshare" or "setns" or "bpf" or "init_module" or "clone" or "clone3");
        Assert.Contains(rules, r => (string)r!["names"]![0]! == "clone" && (long)r["args"]![0]!["value"]! == 0x7E020000);
    }

    [Fact]
    public void Seccomp_OpensWithTheCapability()
    {
        var config = Config("""{"name":"c","image":"i","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}""");
        var rules = config["linux"]!["seccomp"]!["syscalls"]!.AsArray();
        Assert.Contains(rules, r => r!["names"]!.AsArray().Any(n => (string)n! == "mount") && (string)r["action"]! == "SCMP_ACT_ALLOW");
    }

    [Fact]
    public void Mounts_OuterComeBeforeInner()
    {
        var inputs = APod.Inputs(APod.WithContainer("""{"name":"c","image":"i"}""")) with
        {
            Mounts = [ContainerMount.Bind("/s1", "/a/b/c", true), ContainerMount.Bind("/s2", "/a", false)],
        };
        var mounts = JsonNode.Parse(OciConfig.Write(ContainerSpecs.Of(inputs)))!["mounts"]!.AsArray();
        var places = mounts.Select(m => (string)m!["destination"]!).ToList();
        Assert.True(places.IndexOf("/a") < places.IndexOf("/a/b/c"));
        Assert.True(places.IndexOf("/dev") < places.IndexOf("/dev/shm"));
        Assert.DoesNotContain("/dev/console", places);
    }

    [Fact]
    public void Exec_RunsWithTheContainersRights()
    {
        var spec = ContainerSpecs.Of(APod.Inputs(APod.WithContainer("""{"name":"c","image":"i","securityContext":{"runAsUser":7}}""")));
        var process = JsonNode.Parse(OciConfig.WriteExec(spec, ["ls", "-l"], terminal: true))!;
        Assert.Equal(["ls", "-l"], process["args"]!.AsArray().Select(a => (string)a!));
        Assert.Equal(7, (int)process["user"]!["uid"]!);
        Assert.True((bool)process["noNewPrivileges"]!);
        Assert.Contains("TERM=xterm", process["env"]!.AsArray().Select(e => (string)e!));
    }

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("app", 1000, 1001)]
    [InlineData("1000", 1000, 1001)]
    [InlineData("4711", 4711, 0)]
    [InlineData("app:staff", 1000, 50)]
    [InlineData("5:6", 5, 6)]
    public void Users_AreResolvedAsDockerDoes(string user, uint uid, uint gid)
    {
        var found = ImageUsers.Resolve(user, "root:x:0:0::/:\napp:x:1000:1001::/:\n", "staff:x:50:app\n", null, null, []);
        Assert.Equal((uid, gid), (found.Uid, found.Gid));
    }

    [Fact]
    public void ControlGroups_HybridCountsAsVersionOne()
    {
        const string v1 = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            + "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
        const string v2 = "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";
        Assert.False(Cgroups.Parse(v1 + v2).IsV2);
        Assert.False(Cgroups.Parse(v1).IsV2);
        Assert.True(Cgroups.Parse("29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n").IsV2);
    }

    private static JsonNode Config(string container) =>
        JsonNode.Parse(OciConfig.Write(ContainerSpecs.Of(APod.Inputs(APod.WithContainer(container)))))!;
}
