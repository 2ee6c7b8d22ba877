using System.ComponentModel;
using System.IO.Compression;
using System.Text;
using Knet.Node.Runtime;
using Knet.Oci;
using Knet.Oci.Formats;
using Knet.Oci.Layers;
using Knet.Oci.References;
using Knet.Oci.Registry;
using Knet.Oci.Tar;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What registries and images bring.</summary>
internal static class ImageTargets
{
    private static readonly string[] Json =
    [
        "{", "}", "\"schemaVersion\":2", "\"manifests\":", "\"layers\":", "\"config\":", "[", "]", ",", "null", "\"digest\":\"sha256:a\"",
        "\"size\":-1", "\"os\":",
        "1", "\"platform\":", "\"mediaType\":", "\"rootfs\":", "\"diff_ids\":", "\"Env\":", "\"User\":", "\"annotations\":", "\"architecture\":",
        "1e999",
    ];

    private static readonly string Hash = "sha256:" + new string('a', 64);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FuzzTarget.Text("image-reference", ["a", "localhost", "docker.io", "/", ":", "@", "sha256:", new string('a', 64), "5000", "A", "_", "..",
            "-", "[::1]", "\n"],
            Reference, FuzzTarget.Nothing, "localhost:5000/a/b:c@" + Hash),
        Manifest("image-manifest", json => OciJson.ReadManifest(json, "test"),
            $$"""{"schemaVersion":2,"config":{"digest":"{{Hash}}","size":1},"layers":[{"mediaType":"x","digest":"{{Hash}}","size":1}]}"""),
        Manifest("image-index", json => OciJson.ReadIndex(json, "test"),
            $$$"""{"schemaVersion":2,"manifests":[{"digest":"{{{Hash}}}","size":1,"platform":{"os":"linux","architecture":"amd64"}}]}"""),
        Manifest("image-config", json => OciJson.ReadConfiguration(json, "test"),
            """{"os":"linux","architecture":"amd64","config":{"Env":["A=b"],"User":"1","ExposedPorts":{"80/tcp":{}}},"""
            + $$$"""  "rootfs":{"type":"layers","diff_ids":["{{{Hash}}}"]}}"""),
        Manifest("image-media-type", json => OciJson.MediaTypeOf(json, "test"), "{\"mediaType\":\"a\"}"),
        FuzzTarget.Text(
            "pull-secret",
            ["{", "}", "\"auths\":", "\"reg.io\":", "\"auth\":", "\"YTpi\"", "\"YQ==\"", "\"*\"", "null", "[", "]", ",", "1", "\"://\":",
                "\"username\":\"a\""],
            text => DockerConfig.CredentialsFor(text, "reg.io/a"), e => e is ImageException, """{"auths":{"reg.io":{"auth":"YTpi"}}}"""),
        FuzzTarget.Text("registry-challenge", ["Bearer ", "Basic", "realm", "=", "\"", ",", "\\", " ", "x", "\"https://a/\""],
            text => AuthChallenge.Parse([text]), FuzzTarget.Nothing, "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull\""),
        FuzzTarget.Text("image-user", ["a", ":", "0", "x", "\n", "4294967296", "-1", "root", "::", " "], Users, e => e is InvalidDataException,
            "a:b\n\nroot:x:0:0:r:/:/bin/sh\na:x:7:8::/:\n\nb:x:9:a,root\n"),
        new("tar", Tar.Words, bytes => Tar.Read(bytes), e => e is TarException) { Seeds = Tar.Seeds },
        new("layer", Tar.Words, Extract, e => e is TarException) { Seeds = Tar.Seeds, Smoke = 40 },
        new("gzip-layer", [[0x1f, 0x8b], [0], [0xff], [8]], bytes => Unpack(bytes, LayerCompression.Gzip),
            IsBroken) { Seeds = [Gzip(Tar.Seeds[0])] },
        new("zstd-layer", [[0x28, 0xb5, 0x2f, 0xfd], [0], [0xff], [0x50, 0x2a, 0x4d, 0x18]], bytes => Unpack(bytes, LayerCompression.Zstd),
            IsBroken)
        {
            Seeds = [[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x19, 0x00, 0x00, 0x61, 0x0a, 0x0a, 0x62, 0x75, 0x21]],
        },
    ];

    private static FuzzTarget Manifest(string name, Action<byte[]> parse, string seed) =>
        new(name, [.. Json.Select(Encoding.UTF8.GetBytes)], parse, e => e is ImageException) { Seeds = [Encoding.UTF8.GetBytes(seed)] };

    private static void Reference(string text)
    {
        _ = ImageReference.TryParse(text, out _, out _);
        _ = Knet.Api.Serving.ImageReference.TryParse(text);
        _ = Digest.TryParse(text, out _);
    }

    private static void Users(string text)
    {
        var parts = text.Split("\n\n");
        _ = ImageUsers.IsName(parts[0]);
        ImageUsers.Resolve(parts[0], parts.ElementAtOrDefault(1) ?? "", parts.ElementAtOrDefault(2) ?? "", null, null, []);
    }

    // Nothing may appear beside the directory that it is unpacked into.
    private static void Extract(byte[] tar)
    {
        var place = Directory.CreateTempSubdirectory("knet-fuzz-").FullName;
        try
        {
            var root = Directory.CreateDirectory(Path.Combine(place, "root")).FullName;
            Exception? refusal = null;
            try
            {
                new LayerExtractor(root, new LayerOptions { Privileged = false, UnpackedBytesMax = 1 << 20, EntriesMax = 100 })
                    .Extract(new MemoryStream(Tar.Checked(tar)), CancellationToken.None);
            }
            catch (Exception e) when (e is TarException or IOException or Win32Exception)
            {
                refusal = e;
            }

            if (Directory.EnumerateFileSystemEntries(place).Any(e => e != root))
            {
                throw new InvalidOperationException("left its directory", refusal);
            }

            if (refusal is not null)
            {
                throw new TarException(refusal.Message);
            }
        }
        finally
        {
            FileTrees.Remove(place);
        }
    }

    private static void Unpack(byte[] packed, LayerCompression compression)
    {
        using var stream = PackedStream.Unpack(new MemoryStream(packed), compression);
        var buffer = new byte[4096];
        for (var pieces = 0; pieces < 4096 && stream.Read(buffer) > 0; pieces++)
        {
        }
    }

    private static bool IsBroken(Exception e) => e is InvalidDataException or TarException;

    private static byte[] Gzip(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var stream = new GZipStream(packed, CompressionLevel.Fastest))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }
}
