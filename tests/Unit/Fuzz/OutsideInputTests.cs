using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Http;
using Knet.ApiServer.Http.Protobuf;
using Knet.ApiServer.Http.Tables;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Registry.Selectors;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;
using Knet.Node.Dns;
using Knet.Node.Logs;
using Knet.Node.Runtime;
using Knet.Oci;
using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Registry;
using Knet.Oci.Tar;
using Knet.Serving.Routes;
using Xunit;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>
/// Whatever comes from outside, a parser takes it or refuses it with the exception that it documents: never with an index out of range,
/// a null or an overflow. Inputs are words of the grammar in any order, so that most get far.
/// </summary>
public sealed class OutsideInputTests
{
    private const int Times = 2000;

    [Fact]
    public void LabelSelectors() => Words(
        ["a", "app.io/b", "=", "==", "!=", "!", ",", "in", "notin", "(", ")", " ", "ü", "1", "-"],
        text => LabelSelector.Parse(text).Matches(new Dictionary<string, string> { ["a"] = "1" }),
        e => e is KubeException);

    [Fact]
    public void FieldSelectors() => Words(
        ["metadata.name", "status.phase", "spec.nodeName", "=", "==", "!=", ",", "\\", "\\,", "a", " "],
        text => FieldSelector.Parse(text, ResourceType.Of<V1Pod>()),
        e => e is KubeException);

    [Fact]
    public void ContinueTokens() => Words(
        ["eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhL2IifQ", "eyJydiI6MX0", "bnVsbA", "IjEi", "e30", "=", "-", "_", " ", "ü"],
        text => ContinueToken.Decode(text),
        e => e is KubeException);

    [Fact]
    public void JsonPatches() => Words(
        ["[", "]", "{\"op\":\"add\",\"path\":\"/a/-\",\"value\":1}", "{\"op\":\"remove\",\"path\":\"/a/0\"}",
            "{\"op\":\"test\",\"path\":\"\",\"value\":{}}",
            "{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/0\"}", "{\"op\":\"copy\",\"from\":\"\",\"path\":\"/b\"}",
            "{\"op\":\"replace\",\"path\":\"/b/~2\",\"value\":null}",
            "{\"op\":\"add\",\"path\":\"/a/99999999999\",\"value\":1}", "{\"op\":1}", "null", ","],
        text => JsonPatchDocument.Apply(JsonNode.Parse("""{"a":[1,{"c":2}],"b":"x"}""")!, Encoding.UTF8.GetBytes($"[{text}]")),
        e => e is KubeException);

    [Fact]
    public void CrdSchemas_() => Words(
        ["{", "}", "\"type\":\"object\"", "\"type\":1", "\"properties\":", "\"items\":", "\"a\":", ",", "[", "]", "true", "null",
            "\"enum\":", "\"pattern\":\"(\"",
            "\"maximum\":", "1e400", "\"default\":", "\"x-kubernetes-list-type\":\"map\"", "\"x-kubernetes-list-map-keys\":",
            "\"additionalProperties\":"],
        text =>
        {
            if (Json(text) is { } schema)
            {
                CrdSchemas.Parse(schema);
            }
        },
        e => e is KubeException);

    [Fact]
    public void YamlBodies() => Words(
        ["a: ", "- ", "\n", "  ", "{", "}", "[", "]", "&x ", "*x", "|\n", "---\n", "'", "\"", "!!binary ", "0x1F", ".inf", "~", "? ",
            "<<: ", "\t", "é", "1e999"],
        text => YamlBody.ToJson(Encoding.UTF8.GetBytes(text)),
        e => e is KubeException);

    [Fact]
    public void ProtobufBodies() => Bytes([0x6b, 0x38, 0x73, 0x00], bytes => ProtobufBody.ToJson(bytes), e => e is KubeException);

    [Fact]
    public void ObjectBodies_() => Words(
        ["{", "}", "\"a\":", "1", ",", "\"a\"", "[", "]", "null", "\\u0000", "1e999"],
        text => ObjectBodies.Parse(Encoding.UTF8.GetBytes(text)),
        e => e is KubeException);

    [Fact]
    public void Routes() => Words(
        ["/", "api", "apis", "v1", "namespaces", "pods", "a", "status", "log", "proxy", "%2F", ".."], text => ApiRoute.Parse(text), _ => false);

    [Fact]
    public void AcceptHeaders() => Words(
        ["application/json", "*/*", ";", ",", "as=Table", "q=", "0.5", "=", " ", "\"", "v=v1", "g="], text => MediaRange.Parse(text), _ => false);

    [Fact]
    public void JsonPaths()
    {
        var value = JsonDocument.Parse("""{"a":[{"type":"Ready","b":1},2],"c.d":"x"}""").RootElement;
        Words(
            ["{", "}", ".", "a", "[", "]", "*", "?(", ")", "@", ".type", "==", "\"Ready\"", "'", "0", "-1", ":", "\\", "$", "c\\.d", "99999999999"],
            text => JsonPath.Parse(text).Find(value),
            _ => false);
    }

    [Fact]
    public void GoTemplates() => Words(
        ["{{", "}}", "-", " ", "- ", " -", ".Name", ".", "index ", ".Labels", "\"key\"", "`k`", "\"", "text", "|"],
        text => GoTemplate.Parse(text).Render(new Dictionary<string, object?> { ["Name"] = "n", ["Labels"] = new Dictionary<string, string>() }),
        e => e is FormatException);

    [Fact]
    public void GoDurations() => Words(
        ["1", "99999999999999999999", "9999999999999999999", ".", "-", "+", "h", "m", "s", "ms", "us", "µs", "ns", "e", " ", "0"],
        text => _ = GoDuration.TryParse(text, out _),
        _ => false);

    [Fact]
    public void Names() => Words(
        ["a", "-", ".", "/", "A", "_", "\n", "1", "ü", " "],
        text =>
        {
            var clean = text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '/' or '_');
            Assert.True(clean || !(DnsNames.Is1035Label(text) || DnsNames.Is1123Label(text) || DnsNames.Is1123Subdomain(text)
                || DnsNames.IsQualifiedName(text) || DnsNames.IsFullyQualified(text) || (text.Length > 0 && DnsNames.HasLabelCharacters(text))));
        },
        _ => false);

    [Fact]
    public void ImageReferences() => Words(
        ["a", "localhost", "docker.io", "/", ":", "@", "sha256:", new string('a', 64), "5000", "A", "_", "..", "-", "[::1]", "\n"],
        text => _ = ImageReference.TryParse(text, out _, out _),
        _ => false);

    [Fact]
    public void Manifests() => Words(
        ["{", "}", "\"schemaVersion\":2", "\"manifests\":", "\"layers\":", "\"config\":", "[", "]", ",", "null", "\"digest\":\"sha256:a\"",
            "\"size\":-1", "\"os\":", "1"],
        text =>
        {
            var json = Encoding.UTF8.GetBytes(text);
            _ = Record(() => OciJson.MediaTypeOf(json, "test"));
            _ = Record(() => OciJson.ReadManifest(json, "test"));
            _ = Record(() => OciJson.ReadIndex(json, "test"));
            _ = Record(() => OciJson.ReadConfiguration(json, "test"));
        },
        e => e is ImageException);

    [Fact]
    public void PullSecrets() => Words(
        ["{", "}", "\"auths\":", "\"reg.io\":", "\"auth\":", "\"YTpi\"", "\"YQ==\"", "\"*\"", "null", "[", "]", ",", "1", "\"://\":",
            "\"username\":\"a\""],
        text => DockerConfig.CredentialsFor(text, "reg.io/a"),
        e => e is ImageException);

    [Fact]
    public void Challenges() => Words(
        ["Bearer ", "Basic", "realm", "=", "\"", ",", "\\", " ", "x", "\"https://a/\""], text => AuthChallenge.Parse([text]), _ => false);

    [Fact]
    public void Rollouts() => Words(
        ["{", "}", "\"configurations\":", "[", "]", "null", "\"percent\":", "1", "99999999999", ",", "\"revisions\":", "\"x\""],
        text => Rollout.Parse(text),
        _ => false);

    [Fact]
    public void MountTables() => Words(
        ["1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", " - ", "cgroup", "\n", " ", "/", "\\040", "memory,cpu"],
            text => Cgroups.Parse(text), _ => false);

    [Fact]
    public void LogLines() => Words(
        ["2026-01-01T00:00:00.000000000Z", " ", "stdout", "stderr", "F", "P", "text", "\n"],
        text => _ = LogLine.TryParse(Encoding.UTF8.GetBytes(text), out _),
        _ => false);

    [Fact]
    public void DnsPackets() => Bytes(
        [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], bytes => DnsQuery.Parse(bytes, out _), _ => false);

    [Fact]
    public void Tars()
    {
        var header = new byte[512];
        Encoding.ASCII.GetBytes("name").CopyTo(header, 0);
        Encoding.ASCII.GetBytes("ustar\000").CopyTo(header, 257);
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 511], Gen.Char["\0xgLK012567S "], Gen.Int[0, 1536]).Sample(
            (noise, at, type, length) =>
            {
                var tar = new byte[1536];
                header.CopyTo(tar, 0);
                tar[156] = (byte)type;
                noise.AsSpan(0, Math.Min(noise.Length, 512 - at)).CopyTo(tar.AsSpan(at));
                noise.CopyTo(tar, 512);
                Checksum(tar);
                var reader = new TarReader(new MemoryStream(tar, 0, length));
                Allow(
                    () =>
                    {
                        while (reader.Next() is not null)
                        {
                            while (reader.Read(new byte[100]) > 0)
                            {
                                continue;
                            }
                        }
                    },
                    e => e is TarException);
            },
            iter: Times);
    }

    private static void Checksum(byte[] tar)
    {
        tar.AsSpan(148, 8).Fill((byte)' ');
        var sum = tar.Take(512).Sum(b => b);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, 148);
    }

    private static JsonNode? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null; // what is no JSON is refused before
        }
    }

    private static Exception? Record(Action parse)
    {
        var thrown = Xunit.Record.Exception(parse);
        return thrown is null or ImageException ? thrown : throw new InvalidOperationException("undocumented", thrown);
    }

    private static void Words(string[] words, Action<string> parse, Func<Exception, bool> isDocumented) =>
        Gen.Int[0, words.Length - 1].Select(i => words[i]).Array[0, 12].Select(w => string.Concat(w))
            .Sample(text => Allow(() => parse(text), isDocumented), iter: Times);

    private static void Bytes(byte[] start, Action<byte[]> parse, Func<Exception, bool> isDocumented) =>
        Gen.Select(Gen.Bool, Gen.Byte.Array[0, 80])
            .Sample((whole, rest) => Allow(() => parse(whole ? [.. start, .. rest] : rest), isDocumented), iter: Times);

    private static void Allow(Action parse, Func<Exception, bool> isDocumented)
    {
        try
        {
            parse();
        }
        catch (Exception e) when (isDocumented(e))
        {
            return; // refused as documented
        }
    }
}
