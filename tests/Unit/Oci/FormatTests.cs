using System.Text;
using CsCheck;
using Knet.Oci;
using Knet.Oci.Formats;
using Knet.Oci.Layers;
using Knet.Oci.Registry;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class FormatTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("application/vnd.oci.image.layer.v1.tar", LayerCompression.None)]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerCompression.Gzip)]
    [InlineData("application/vnd.oci.image.layer.v1.tar+zstd", LayerCompression.Zstd)]
    public void LayerMediaType_SaysHowItIsPacked(string mediaType, LayerCompression compression) =>
        Assert.Equal(compression, MediaTypes.Compression(mediaType));

    [Fact]
    public void MediaTypes_AreWrittenWithoutEscapes() => Assert.Contains(
        "\"application/vnd.oci.image.index.v1+json\"",
        Encoding.UTF8.GetString(OciJson.Write(new ImageIndex { MediaType = MediaTypes.OciIndex })),
        StringComparison.Ordinal);

    [Fact]
    public void Zstd_IsUnpacked()
    {
        // printf 'a%.0s' $(seq 3000) | zstd
        var packed = Convert.FromBase64String("KLUv/QRYTQAAEGFhAQCz8wEW4Q4Jlg==");
        var unpacked = new MemoryStream();
        using (var stream = PackedStream.Unpack(new MemoryStream([.. packed, .. packed]), PackedStream.Sniff(packed)!.Value))
        {
            stream.CopyTo(unpacked);
        }

        Assert.Equal(new string('a', 6000), Encoding.ASCII.GetString(unpacked.ToArray()));
        using var cut = PackedStream.Unpack(new MemoryStream(packed[..^6]), LayerCompression.Zstd);
        Assert.Throws<InvalidDataException>(() => cut.CopyTo(Stream.Null));
        packed[^1] ^= 1;
        using var broken = PackedStream.Unpack(new MemoryStream(packed), LayerCompression.Zstd);
        Assert.Throws<InvalidDataException>(() => broken.CopyTo(Stream.Null));
    }

    [Fact]
    public void ForeignLayer_IsRefusedByItsMediaType() => Assert.Contains(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        Assert.Throws<ImageException>(() => MediaTypes.Compression("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void IndexWithoutThisMachine_ListsWhatThereIs()
    {
        var arm = new Platform { Os = "linux", Architecture = "arm", Variant = "v7" };
        var index = new ImageIndex { Manifests = [new Descriptor { Platform = arm }] };
        var e = Assert.Throws<ImageException>(() => OciJson.Select(index, Platform.LinuxAmd64, "x"));
        Assert.Equal("x: no match for platform in manifest: this machine is linux/amd64, the image offers linux/arm/v7", e.Message);
    }

    [Theory]
    [InlineData("{\"config\":{\"digest\":\"sha256:1\"},\"layers\":[]}", "config.digest")]
    [InlineData("{\"config\":{\"digest\":\"sha256:" + Hex + "\"},\"layers\":null}", "layers")]
    [InlineData("{\"config\":{\"digest\":\"sha256:" + Hex + "\"},\"layers\":[null]}", "layers[0]")]
    [InlineData("{\"config\":{\"digest\":\"sha256:" + Hex + "\"},\"layers\":[{\"digest\":\"../../etc/passwd\"}]}", "layers[0].digest")]
    [InlineData("{\"config\":{\"digest\":\"sha256:" + Hex + "\",\"size\":-1},\"layers\":[]}", "config.size")]
    public void WrongManifest_IsRefusedWithThePlace(string json, string place)
    {
        var e = Assert.Throws<ImageException>(() => OciJson.ReadManifest(Encoding.UTF8.GetBytes(json), "m"));
        Assert.Contains(place, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyJson_IsReadOrRefused()
    {
        var (manifest, blobs) = TestImage.Make("x", "\"Env\":[\"A=b\"],\"ExposedPorts\":{\"80/tcp\":{}}");
        byte[][] sources = [manifest, blobs[0], """{"manifests":[{"platform":{"os":"linux"}}]}"""u8.ToArray()];
        var values = Gen.OneOf(Gen.Byte, Gen.Char["{}[]:,\"01n"].Select(c => (byte)c));
        var mutations =
            from source in Gen.Int[0, 2]
            from changes in Gen.Select(Gen.Int[0, 10_000], values).Array[0, 6]
            select (source, changes);
        mutations.Sample(
            m =>
            {
                var bytes = sources[m.source].ToArray();
                foreach (var (at, value) in m.changes)
                {
                    bytes[at % bytes.Length] = value;
                }

                foreach (var read in (Action[])[
                    () => OciJson.MediaTypeOf(bytes, ""), () => OciJson.ReadManifest(bytes, ""),
                    () => OciJson.ReadIndex(bytes, ""), () => OciJson.ReadConfiguration(bytes, "")])
                {
                    try
                    {
                        read();
                    }
                    catch (ImageException)
                    {
                        // what broken input is for
                    }
                }
            },
            iter: 2000);
    }

    [Fact]
    public void Challenges_AreParsed()
    {
        var challenges = AuthChallenge.Parse([
            "Bearer realm=\"https://a.example/token?x=\\\"1\\\"\",service=reg, scope=\"repository:a/b:pull,push\", Basic realm=\"b\"", "Negotiate"]);
        Assert.Equal(["bearer", "basic", "negotiate"], challenges.Select(c => c.Scheme));
        Assert.Equal("https://a.example/token?x=\"1\"", challenges[0].Parameters["realm"]);
        Assert.Equal("reg", challenges[0].Parameters["service"]);
        Assert.Equal("repository:a/b:pull,push", challenges[0].Parameters["scope"]);
        Assert.Equal("b", challenges[1].Parameters["realm"]);
    }

    [Fact]
    public void AnyChallenge_IsParsedWithoutFailing() =>
        Gen.String[Gen.Char["Bearl=\",\\ \t:é"], 0, 60].Sample(text => AuthChallenge.Parse([text]).Count >= 0, iter: 2000);
}
