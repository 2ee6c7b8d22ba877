using Knet.Oci;
using Knet.Oci.Composing;
using Knet.Oci.Layers;
using Knet.Oci.Local;
using Knet.Oci.Registry;
using Knet.Oci.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class ImageComposerTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TempDirectory _temporary = new();
    private readonly RegistryClient _client;
    private readonly Images _images;

    public ImageComposerTests()
    {
        _client = new RegistryClient(new RegistryOptions(), _time, new FakeRegistry());
        _images = new Images(new StoreOptions { Root = _temporary["store"] }, _client, _time, NullLogger<Images>.Instance);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EqualFiles_MakeEqualImages(bool gzip)
    {
        Fill("one", reverse: false);
        Fill("two", reverse: true);
        File.SetLastWriteTimeUtc(_temporary["two/a/x"], new DateTime(2001, 1, 1));
        var first = await ComposeAsync("one", gzip);
        var second = await ComposeAsync("two", gzip);
        Assert.Equal(first.Digest, second.Digest);
        File.WriteAllText(_temporary["two/a/x"], "changed");
        Assert.NotEqual(first.Digest, (await ComposeAsync("two", gzip)).Digest);
    }

    [Fact]
    public async Task Files_ComeOutAsTheyWentIn()
    {
        Fill("one", reverse: false);
        var root = (await ComposeAsync("one", gzip: false)).LayerDirectories[0];
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(root, "app/a/x")));
        Assert.Equal("a/x", new FileInfo(Path.Combine(root, "app/link")).LinkTarget);
        Assert.Equal((UnixFileMode)0x1ED, File.GetUnixFileMode(Path.Combine(root, "app/run")));
        Assert.Equal((UnixFileMode)0x1A4, File.GetUnixFileMode(Path.Combine(root, "app/a/x")));
        Assert.Equal(Libc.Status(Path.Combine(root, "app/run"))!.Inode, Libc.Status(Path.Combine(root, "app/same"))!.Inode);
        Assert.False(File.Exists(Path.Combine(root, "app/skipped.pdb")));
    }

    [Fact]
    public async Task ImageUponAnother_InheritsAndAdds()
    {
        var lower = await _images.ComposeAsync(
            new ImageRecipe
            {
                Layers = [new FilesLayer([LayerFile.Text("/etc/a", "1")])],
                Entrypoint = ["/old"],
                Cmd = ["arg"],
                Env = ["A=1", "B=1"],
                User = "7",
                WorkingDir = "/w",
            },
            "base:1",
            default);
        var upper = await _images.ComposeAsync(
            new ImageRecipe { From = "base:1", Layers = [new FilesLayer([LayerFile.Text("/etc/b", "2")])], Entrypoint = ["/new"], Env = ["B=2"] },
            "app:1",
            default);
        Assert.Equal(["/new"], upper.Config.Entrypoint);
        Assert.Empty(upper.Config.Cmd);
        Assert.Equal(["A=1", "B=2"], upper.Config.Env);
        Assert.Equal(("7", "/w"), (upper.Config.User, upper.Config.WorkingDir));
        Assert.Equal([lower.LayerDirectories[0]], upper.LayerDirectories.Skip(1));
        Assert.True(File.Exists(Path.Combine(upper.LayerDirectories[0], "etc/b")));
    }

    [Fact]
    public async Task Archive_IsLoadedAsTheImageThatTheStoreComposes()
    {
        Fill("one", reverse: false);
        var composed = await ComposeAsync("one", gzip: false);
        ImageArchive.Write(Recipe("one", gzip: false), "dev.local/x:1", _temporary["image.tar"], default);
        await using var archive = File.OpenRead(_temporary["image.tar"]);
        Assert.Equal(["dev.local/x:1"], await _images.LoadAsync(archive, null, default));
        Assert.Equal(composed.Digest, _images.Find("dev.local/x:1")!.Digest);
        Assert.Single(
            Directory.GetFileSystemEntries(_temporary.Path), e => Path.GetFileName(e).StartsWith("image.tar", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MissingDirectory_IsNamed()
    {
        var e = await Assert.ThrowsAsync<ImageException>(() => ComposeAsync("nothing", gzip: false));
        Assert.Contains(_temporary["nothing"], e.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _images.Dispose();
        _client.Dispose();
        _temporary.Dispose();
    }

    private void Fill(string directory, bool reverse)
    {
        Directory.CreateDirectory(_temporary[$"{directory}/a"]);
        foreach (var name in reverse ? (string[])["skipped.pdb", "run", "a/x"] : ["a/x", "run", "skipped.pdb"])
        {
            File.WriteAllText(_temporary[$"{directory}/{name}"], "x");
        }

        File.SetUnixFileMode(_temporary[$"{directory}/run"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(_temporary[$"{directory}/link"], "a/x");
        Libc.MakeHardLink(_temporary[$"{directory}/run"], _temporary[$"{directory}/same"]);
    }

    private ImageRecipe Recipe(string directory, bool gzip) => new()
    {
        Layers = [new DirectoryLayer(_temporary[directory], "/app") { Filter = p => !p.EndsWith(".pdb", StringComparison.Ordinal) }],
        Gzip = gzip,
    };

    private Task<LocalImage> ComposeAsync(string directory, bool gzip) =>
        _images.ComposeAsync(Recipe(directory, gzip), $"{directory}:1", default);
}
