using System.Text;
using k8s.Models;
using Knet.Node.Volumes;
using Knet.Tests.Unit.Node.Pods;
using Xunit;

namespace Knet.Tests.Unit.Node.Volumes;

public sealed class VolumeTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("knet-volumes-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Items_ChoosePathsAndModes()
    {
        var payload = new VolumePayload(0x1a4);
        var map = new V1ConfigMap { Data = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } };
        payload.Add("ns", "m", map, [new V1KeyToPath { Key = "a", Path = "x/y", Mode = 0x100 }], optional: false);
        var file = Assert.Single(payload.Files);
        Assert.Equal(("x/y", 0x100, "1"), (file.Key, file.Value.Mode, Encoding.UTF8.GetString(file.Value.Content)));
    }

    [Fact]
    public void MissingThings_FailUnlessOptional()
    {
        var payload = new VolumePayload(0);
        var absent = Assert.Throws<VolumeException>(() => payload.Add("ns", "m", (V1ConfigMap?)null, null, false));
        Assert.Equal("configmap \"m\" not found", absent.Message);
        var item = new List<V1KeyToPath> { new() { Key = "z", Path = "z" } };
        var e = Assert.Throws<VolumeException>(() => payload.Add("ns", "s", new V1Secret(), item, false));
        Assert.Contains("references non-existent secret key: z", e.Message);
        payload.Add("ns", "m", (V1ConfigMap?)null, null, true);
        payload.Add("ns", "s", new V1Secret(), item, true);
        Assert.Empty(payload.Files);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b")]
    [InlineData("")]
    public void PathsThatLeaveTheVolume_AreRefused(string path) =>
        Assert.Throws<VolumeException>(() => new VolumePayload(0).Add(path, [], null));

    [Fact]
    public void Directory_ChangesAtOnceAndOnlyWhenTheContentDoes()
    {
        Assert.True(AtomicDirectory.Write(_directory, Files(("a", "1"), ("d/b", "2")), Now, null));
        var first = new DirectoryInfo(Path.Combine(_directory, "..data")).LinkTarget;
        Assert.False(AtomicDirectory.Write(_directory, Files(("a", "1"), ("d/b", "2")), Now.AddSeconds(1), null));
        Assert.True(AtomicDirectory.Write(_directory, Files(("a", "9"), ("c", "3")), Now.AddSeconds(2), null));

        Assert.NotEqual(first, new DirectoryInfo(Path.Combine(_directory, "..data")).LinkTarget);
        Assert.Equal("9", File.ReadAllText(Path.Combine(_directory, "a")));
        Assert.Equal("..data/a", new FileInfo(Path.Combine(_directory, "a")).LinkTarget);
        Assert.Equal(["..data", "a", "c"], Directory.EnumerateFileSystemEntries(_directory).Select(Path.GetFileName)
            .Where(n => n == "..data" || !n!.StartsWith("..", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(Path.Combine(_directory, first!)));
    }

    [Theory]
    [InlineData("""{"containers":[{"name":"a"}]}""", 0x1a4, null)]
    [InlineData("""{"securityContext":{"fsGroup":5},"containers":[{"name":"a"}]}""", 0x180, null)]
    [InlineData("""{"securityContext":{"runAsUser":7},"containers":[{"name":"a"},{"name":"b"}]}""", 0x180, 7L)]
    [InlineData("""{"containers":[{"name":"a","securityContext":{"runAsUser":7}},{"name":"b"}]}""", 0x1a4, null)]
    public void Tokens_AreForThePodsOnlyUserOrItsGroup(string spec, int mode, long? owner)
    {
        var payload = new VolumePayload(0x1a4);
        payload.AddToken("token", [1], APod.With(spec));
        Assert.Equal((mode, owner), (payload.Files["token"].Mode, payload.Files["token"].Owner));
    }

    [Fact]
    public void DirectoriesOfAGroup_HandItOn()
    {
        AtomicDirectory.Write(_directory, Files(("d/b", "2")), Now, Environment.UserName == "root" ? 77 : null);
        Assert.Equal("2", File.ReadAllText(Path.Combine(_directory, "d/b")));
        var setGroup = File.GetUnixFileMode(Path.Combine(_directory, "..data/d")).HasFlag(UnixFileMode.SetGroup);
        Assert.Equal(Environment.UserName == "root", setGroup);
    }

    [Fact]
    public void HostPaths_AreOfTheTypeThatTheySay()
    {
        var (directory, file) = (Path.Combine(_directory, "d"), Path.Combine(_directory, "f"));
        HostPathType.Check(directory, "DirectoryOrCreate");
        HostPathType.Check(directory, "Directory");
        HostPathType.Check(file, "FileOrCreate");
        HostPathType.Check(file, "File");
        HostPathType.Check("/dev/null", "CharDevice");
        HostPathType.Check(Path.Combine(_directory, "made"), "");
        Assert.True(Directory.Exists(Path.Combine(_directory, "made")));
        var e = Assert.Throws<VolumeException>(() => HostPathType.Check(directory, "File"));
        Assert.Equal($"hostPath type check failed: {directory} is not a file", e.Message);
        Assert.Throws<VolumeException>(() => HostPathType.Check(Path.Combine(_directory, "none"), "Directory"));
        Assert.Throws<VolumeException>(() => HostPathType.Check(file, "Socket"));
    }

    private static Dictionary<string, PayloadFile> Files(params (string Path, string Text)[] files) =>
        files.ToDictionary(f => f.Path, f => new PayloadFile(Encoding.UTF8.GetBytes(f.Text), 0x1a4));
}
