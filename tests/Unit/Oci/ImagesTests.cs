using System.IO.Compression;
using System.Text;
using Knet.Oci;
using Knet.Oci.Formats;
using Knet.Oci.Local;
using Knet.Oci.Registry;
using Knet.Oci.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class ImagesTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TempDirectory _temporary = new();
    private readonly FakeRegistry _registry = new();
    private readonly RegistryClient _client;
    private Images _images;

    public ImagesTests()
    {
        _client = new RegistryClient(new RegistryOptions { RetryDelay = TimeSpan.Zero }, _time, _registry);
        _images = Open();
    }

    [Fact]
    public async Task PulledImage_IsReadyAndFound()
    {
        var digest = _registry.Image("1", "hello");
        var image = await _images.EnsureAsync("r.example/a:1", "IfNotPresent", [], default);
        Assert.Equal(("r.example/a:1", digest.ToString()), (image.Reference, image.Digest));
        Assert.Equal("hello", await File.ReadAllTextAsync(Path.Combine(Assert.Single(image.LayerDirectories), "f")));
        Assert.NotNull(_images.Find("r.example/a:1"));
        Assert.Equal(image.ImageId, _images.Find($"r.example/a@{digest}")!.ImageId);
        Assert.Null(_images.Find("r.example/a:2"));
    }

    [Theory]
    [InlineData("IfNotPresent", 0)]
    [InlineData("Never", 0)]
    [InlineData("Always", 1)]
    public async Task PresentTag_IsAskedForOnlyByAlways_AndOnlyItsDigest(string policy, int requests)
    {
        _registry.Image("1", "hello");
        await _images.EnsureAsync("r.example/a:1", "IfNotPresent", [], default);
        _registry.Requests.Clear();
        await _images.EnsureAsync("r.example/a:1", policy, [], default);
        Assert.Equal(requests, _registry.Count("HEAD"));
        Assert.Equal(0, _registry.Count("GET"));
    }

    [Fact]
    public async Task MovedTag_IsPulledByAlways_AndTheOldImageKeepsItsDigest()
    {
        var old = _registry.Image("1", "old");
        await _images.EnsureAsync("r.example/a:1", "Always", [], default);
        var next = _registry.Image("1", "new");
        Assert.Equal(next.ToString(), (await _images.EnsureAsync("r.example/a:1", "Always", [], default)).Digest);
        await _images.CollectAsync([], default);
        Assert.Equal(old.ToString(), _images.Find($"r.example/a@{old}")!.Digest);
    }

    [Fact]
    public async Task PresentDigest_NeedsNoNetworkEvenWithAlways()
    {
        var digest = _registry.Image("1", "hello");
        await _images.EnsureAsync("r.example/a:1", "IfNotPresent", [], default);
        _registry.Requests.Clear();
        await _images.EnsureAsync($"r.example/a@{digest}", "Always", [], default);
        Assert.Empty(_registry.Requests);
    }

    [Fact]
    public async Task AbsentImage_IsRefusedByNeverInKubeletsWords()
    {
        var e = await Assert.ThrowsAsync<ImageException>(() => _images.EnsureAsync("r.example/a:1", "Never", [], default));
        Assert.Equal(
            ("ErrImageNeverPull", "Container image \"r.example/a:1\" is not present with pull policy of Never"), (e.Reason, e.Message));
        Assert.Empty(_registry.Requests);
        var missing = await Assert.ThrowsAsync<ImageException>(() => _images.EnsureAsync("r.example/a:1", "IfNotPresent", [], default));
        Assert.Equal("ErrImagePull", missing.Reason);
    }

    [Fact]
    public async Task ConcurrentPulls_ShareTheWork()
    {
        _registry.Image("1", "hello");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _images.EnsureAsync("r.example/a:1", "IfNotPresent", [], default)));
        Assert.Equal(3, _registry.Requests.Count);   // manifest, configuration, layer
    }

    [Fact]
    public async Task Index_GivesTheImageForThisMachine()
    {
        var (manifest, blobs) = TestImage.Make("amd64");
        foreach (var blob in blobs)
        {
            _registry.Blob(blob);
        }

        _registry.Manifest("x", MediaTypes.DockerManifest, manifest);
        var index = _registry.Manifest("1", MediaTypes.DockerList, OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.DockerList,
            Manifests =
            [
                new Descriptor { Digest = Digest.Of("arm"u8).ToString(), Platform = new Platform { Os = "linux", Architecture = "arm64" } },
                new Descriptor { Digest = Digest.Of(manifest).ToString(), Platform = new Platform { Os = "linux", Architecture = "amd64" } },
            ],
        }));
        var image = await _images.EnsureAsync("r.example/a:1", "Always", [], default);
        Assert.Equal(index.ToString(), image.Digest);
        Assert.Equal(index.ToString(), await _images.ResolveDigestAsync("r.example/a:1", [], default));
        Assert.NotNull(_images.Find($"r.example/a@{index}"));
        Assert.NotNull(_images.Find($"r.example/a@{Digest.Of(manifest)}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OciArchive_IsLoaded_AndNoRegistryIsAskedForItsTag(bool packed)
    {
        var archive = Layout("dev.local/hello:latest", "hello");
        var names = await _images.LoadAsync(packed ? Gzip(archive) : new MemoryStream(archive), null, default);
        Assert.Equal(["dev.local/hello:latest"], names);
        var image = await _images.EnsureAsync("dev.local/hello", "Always", [], default);
        Assert.Equal(["/f"], image.Config.Entrypoint);
        Assert.Equal(image.Digest, await _images.ResolveDigestAsync("dev.local/hello:latest", [], default));
        Assert.Empty(_registry.Requests);
    }

    [Fact]
    public async Task DockerArchive_IsLoaded()
    {
        var (_, blobs) = TestImage.Make("hello");
        var archive = TestImage.Tar(
            ("c.json", blobs[0]),
            ("x/layer.tar", blobs[1]),
            ("manifest.json", """[{"Config":"c.json","RepoTags":["a:1","b:2"],"Layers":["x/layer.tar"]}]"""u8.ToArray()));
        Assert.Equal(["docker.io/library/a:1", "docker.io/library/b:2"], await _images.LoadAsync(new MemoryStream(archive), null, default));
        Assert.NotNull(_images.Find("b:2"));
    }

    [Theory]
    [InlineData("index.json", "{\"manifests\":3}", "not the expected JSON")]
    [InlineData("other", "x", "it is not an image archive")]
    [InlineData("index.json", "{\"manifests\":[]}", "no image for this machine")]
    public async Task OtherArchive_IsRefused(string file, string content, string error)
    {
        var archive = TestImage.Tar((file, Encoding.UTF8.GetBytes(content)));
        var e = await Assert.ThrowsAsync<ImageException>(() => _images.LoadAsync(new MemoryStream(archive), null, default));
        Assert.Contains(error, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImageWithoutAName_GetsTheGivenOne()
    {
        await Assert.ThrowsAsync<ImageException>(() => _images.LoadAsync(new MemoryStream(Layout(null, "hello")), null, default));
        Assert.Equal(["localhost/x:1"], await _images.LoadAsync(new MemoryStream(Layout(null, "hello")), "localhost/x:1", default));
    }

    [Fact]
    public async Task ExportedImage_IsLoadedAsTheSame()
    {
        await _images.LoadAsync(new MemoryStream(Layout("dev.local/hello:latest", "hello")), null, default);
        var exported = new MemoryStream();
        _images.Export("dev.local/hello", exported);
        exported.Position = 0;
        await _images.LoadAsync(exported, "other:1", default);
        Assert.Equal(_images.Find("dev.local/hello")!.Digest, _images.Find("other:1")!.Digest);
    }

    [Fact]
    public async Task LayerThatIsNotWhatTheConfigurationSays_IsRefused()
    {
        var (manifest, blobs) = TestImage.Make("hello");
        var other = TestImage.Layer("other");
        _registry.Blob(blobs[0]);
        _registry.Blob(other);
        var text = Encoding.UTF8.GetString(
            manifest).Replace(Digest.Of(blobs[1]).ToString(), Digest.Of(other).ToString(), StringComparison.Ordinal);
        _registry.Manifest("1", MediaTypes.OciManifest, Encoding.UTF8.GetBytes(text));
        var e = await Assert.ThrowsAsync<ImageException>(() => _images.EnsureAsync("r.example/a:1", "Always", [], default));
        Assert.Contains("does not have the digest", e.Message, StringComparison.Ordinal);
        Assert.Null(_images.Find("r.example/a:1"));
        Assert.Empty(Directory.GetDirectories(_temporary["layers"]));
    }

    [Fact]
    public async Task Store_IsFoundAgain_AlsoWithoutItsLayers()
    {
        await _images.LoadAsync(new MemoryStream(Layout("dev.local/hello:latest", "hello")), null, default);
        Reopen();
        Assert.NotNull(_images.Find("dev.local/hello"));
        Directory.Delete(_temporary["layers"], recursive: true);
        Reopen();
        Assert.Null(_images.Find("dev.local/hello"));
        Assert.NotNull(await _images.EnsureAsync("dev.local/hello", "Never", [], default));
    }

    [Fact]
    public void SecondProcess_IsRefused() =>
        Assert.Contains("in use by another process", Assert.Throws<ImageException>(() => Open()).Message, StringComparison.Ordinal);

    [Fact]
    public async Task ImageInUse_IsNotRemoved()
    {
        await _images.LoadAsync(new MemoryStream(Layout("dev.local/hello:latest", "hello")), null, default);
        var digest = _images.Find("dev.local/hello")!.Digest;
        Assert.Equal("ImageInUse", Assert.Throws<ImageException>(() => _images.Remove("dev.local/hello", [digest])).Reason);
        Assert.Equal(
            "ImageInUse", Assert.Throws<ImageException>(() => _images.Remove("dev.local/hello", ["dev.local/hello:latest"])).Reason);
        _images.Remove("dev.local/hello", []);
        Assert.Null(_images.Find("dev.local/hello"));
        Assert.Equal("ImageNotFound", Assert.Throws<ImageException>(() => _images.Remove("dev.local/hello", [])).Reason);
        await _images.CollectAsync([], default);
        Assert.Empty(Directory.GetFiles(_temporary["blobs/sha256"]));
        Assert.Empty(Directory.GetDirectories(_temporary["layers"]));
    }

    [Fact]
    public async Task FullStore_LosesTheLongestUnusedPulledImages()
    {
        _images.Dispose();
        _images = Open(new StoreOptions { Root = _temporary.Path, BytesMax = 25_000, BytesTarget = 0.9 });
        await _images.LoadAsync(new MemoryStream(Layout("dev.local/hello:latest", new string('l', 9000))), null, default);
        foreach (var tag in (string[])["old", "used", "recent"])
        {
            _registry.Image(tag, new string(tag[0], 9000));
            await _images.EnsureAsync($"r.example/a:{tag}", "IfNotPresent", [], default);
            _time.Advance(TimeSpan.FromMinutes(10));
        }

        _images.Find("r.example/a:recent");
        var collected = await _images.CollectAsync(["r.example/a:used"], default);
        Assert.Equal(["r.example/a:old"], collected.Names);
        Assert.NotNull(_images.Find("dev.local/hello"));
    }

    public void Dispose()
    {
        _images.Dispose();
        _client.Dispose();
        _registry.Dispose();
        _temporary.Dispose();
    }

    private static byte[] Layout(string? name, string content)
    {
        var (manifest, blobs) = TestImage.Make(content, "\"Entrypoint\":[\"/f\"],\"Env\":null");
        var index = OciJson.Write(new ImageIndex
        {
            Manifests =
            [
                new Descriptor
                {
                    MediaType = MediaTypes.OciManifest,
                    Digest = Digest.Of(manifest).ToString(),
                    Size = manifest.Length,
                    Annotations = name is null ? null : new Dictionary<string, string> { ["org.opencontainers.image.ref.name"] = name },
                },
            ],
        });
        return TestImage.Tar(
            [("index.json", index), .. blobs.Append(manifest).Select(b => ($"blobs/sha256/{Digest.Of(b).Hex}", b))]);
    }

    private static MemoryStream Gzip(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        packed.Position = 0;
        return packed;
    }

    private Images Open(StoreOptions? options = null) =>
        new(options ?? new StoreOptions { Root = _temporary.Path }, _client, _time, NullLogger<Images>.Instance);

    private void Reopen()
    {
        _images.Dispose();
        _images = Open();
    }
}
