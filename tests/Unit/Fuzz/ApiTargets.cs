using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
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

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What clients of the API send.</summary>
internal static class ApiTargets
{
    private const string Pod = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"b":"c"},"managedFields":[{"manager":"m","operation":"Apply",
        "apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}}}}}]},
        "spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"A","value":"1"}]}],
        "tolerations":[{"key":"x"}],"nodeSelector":{"a":"b"}}}
        """;

    private static readonly JsonDocument Shown = JsonDocument.Parse("""{"a":[{"type":"Ready","b":1},2],"c.d":"x"}""");

    private static readonly string[] Json =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "1", "-1", "1e999", "99999999999999999999", "\"a\"", "\"\\u0000\"", "\"\\ud800\"",
        "\"name\":", "\"a\":",
        "\"metadata\":", "\"spec\":", "\"containers\":", "\"ports\":", "\"env\":", "\"value\":", "\"containerPort\":", "\"managedFields\":",
        "\"fieldsV1\":", "\"f:spec\":", "\"k:{\\\"name\\\":\\\"c\\\"}\":", "\"v:1\":", "\".\":", "\"$patch\":\"replace\"",
        "\"$patch\":\"delete\"", "\"$retainKeys\":[\"a\"]", "\"$setElementOrder/containers\":[{\"name\":\"c\"}]",
        "\"$deleteFromPrimitiveList/a\":[1]", "\"op\":", "\"path\":",
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FuzzTarget.Text(
            "label-selector", ["a", "app.io/b", "=", "==", "!=", "!", ",", "in", "notin", "(", ")", " ", "ü", "1", "-"],
            text => LabelSelector.Parse(text).Matches(new Dictionary<string, string> { ["a"] = "1" }), Refused, "a in (b,c),!d,e!=f"),
        FuzzTarget.Text(
            "field-selector", ["metadata.name", "status.phase", "spec.nodeName", "=", "==", "!=", ",", "\\", "\\,", "a", " "],
            text => FieldSelector.Parse(text, ResourceType.Of<V1Pod>()), Refused, "metadata.name=a,status.phase!=Running"),
        FuzzTarget.Text(
            "continue-token", ["eyJydiI6MX0", "bnVsbA", "IjEi", "e30", "=", "-", "_", " ", "ü"], text => ContinueToken.Decode(text), Refused,
            ContinueToken.Encode(7, new ObjectKey("a", "b"))),
        FuzzTarget.Text(
            "resource-version", ["0", "1", "9223372036854775807", "-", "+", " ", ".", "e", "ü"], text => Revisions.Parse(text), Refused),
        FuzzTarget.Text("path", ["/", "api", "apis", "v1", "namespaces", "pods", "a", "status", "log", "proxy", "%2F", ".."],
            text => ApiRoute.Parse(text), FuzzTarget.Nothing, "/apis/apps/v1/namespaces/a/deployments/b/scale"),
        FuzzTarget.Text("accept", ["application/json", "*/*", ";", ",", "as=Table", "q=", "0.5", "=", " ", "\"", "v=v1", "g="],
            text => MediaRange.Parse(text), FuzzTarget.Nothing, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.5"),
        FuzzTarget.Text(
            "json-path", ["{", "}", ".", "a", "[", "]", "*", "?(", ")", "@", ".type", "==", "\"Ready\"", "'", "0", "-1", ":", "\\", "$",
            "99999999999"],
            text => JsonPath.Parse(text).Find(Shown.RootElement), FuzzTarget.Nothing, ".a[?(@.type==\"Ready\")].b", ".c\\.d", ".a[0:2]", "..a"),
        FuzzTarget.Text("json-body", Json, text => Body(text), Refused, Pod, "{\"a\":1,\"a\":2}"),
        FuzzTarget.Text(
            "json-patch", [.. Json, "{\"op\":\"remove\",\"path\":\"/spec/containers/0\"}", "{\"op\":\"test\",\"path\":\"\",\"value\":{}}",
            "\"/a/-\"", "\"/~2\""],
            text => JsonPatchDocument.Apply(Object(Pod), DuplicateFields.Resolve(Encoding.UTF8.GetBytes(text)).Body.Span), Refused,
            """[{"op":"add","path":"/spec/containers/-","value":{"name":"d"}},{"op":"move","from":"/spec","path":"/spec/x"}]""",
            """[{"op":"copy","from":"","path":"/a"},{"op":"copy","from":"","path":"/b"},{"op":"replace","path":"/a/9999999999","value":1}]"""),
        FuzzTarget.Text("merge-patch", Json, text => MergePatch.Apply(Object(Pod), Body(text)), Refused, Pod),
        FuzzTarget.Text("strategic-patch", Json, text => StrategicMergePatch.Apply(PodSchema, Object(Pod), Body(text)), Refused, Pod),
        FuzzTarget.Text("apply", Json, Apply, Refused, Pod, Pod.Replace("managedFields", "m", StringComparison.Ordinal)),
        FuzzTarget.Text("delete-options", [.. Json, "\"preconditions\":", "\"uid\":", "\"propagationPolicy\":", "\"gracePeriodSeconds\":"],
            text => KubeJson.Deserialize<V1DeleteOptions>(Encoding.UTF8.GetBytes(text)), e => e is JsonException,
            """{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"a"},"dryRun":["All"]}"""),
        FuzzTarget.Text("pod",
            [.. Json, "\"quantity\":\"1Ki\"", "\"cpu\":", "\"creationTimestamp\":", "\"port\":", "\"httpGet\":", "\"limits\":"],
            text => KubeJson.Deserialize<V1Pod>(Encoding.UTF8.GetBytes(text)),
            e => e is JsonException, Pod,
                """{"spec":{"containers":[{"resources":{"limits":{"cpu":"1e400"}},"livenessProbe":{"httpGet":{"port":"a"}}}]}}"""),
        new("yaml-body", [.. Words("a: ", "- ", "\n", "  ", "{", "}", "[", "]", "&x ", "*x", "|\n", "---\n", "'", "\"", "!!binary ", "0x1F",
            ".inf", "~", "? ",
                "<<: ", "\t", "é", "1e999", "&a [*a,*a]")],
            bytes => YamlBody.ToJson(bytes), Refused)
        {
            Seeds = [.. Words("a: 1\nb:\n- c: d\n  e: |\n    f\n", "a: &a [x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n")],
        },
        new("protobuf-body", [.. Words("k8s\0", "\n\u0002v1", "\u0012\u0003Pod", "\n\u000b\n\u0002v1\u0012\u0005Event"), [0xff, 0xff, 0xff, 0xff,
            0x0f], [0x12], [0x0a], [0x80]],
            bytes => ProtobufBody.ToJson(bytes), Refused)
        {
            Seeds = [[.. "k8s\0\n\t\n\u0002v1\u0012\u0003Pod\u0012\u0005\n\u0003\n\u0001a"u8]],
        },
        FuzzTarget.Text("quantity", ["1", "0", ".", "-", "+", "e", "E", "k", "Ki", "M", "m", "n", "999999999999999999", "Ei", " "],
            text => _ = Quantities.TryParse(text, out _), FuzzTarget.Nothing, "1.5Gi", "1e3", "100m"),
        FuzzTarget.Text("name", ["a", "-", ".", "/", "A", "_", "\n", "1", "ü", " "], Name, FuzzTarget.Nothing, "a.b", "a/b"),
    ];

    internal static SchemaNode PodSchema { get; } = BuiltInSchemas.For(typeof(V1Pod));

    internal static bool Refused(Exception e) => e is KubeException;

    internal static IEnumerable<byte[]> Words(params string[] words) => words.Select(Encoding.UTF8.GetBytes);

    // A request's body, as the endpoints read it.
    internal static JsonObject Body(string text) => ObjectBodies.Parse(DuplicateFields.Resolve(Encoding.UTF8.GetBytes(text)).Body);

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();

    // Whatever managedFields a client wrote are read with the next apply.
    private static void Apply(string text)
    {
        var body = Body(text);
        var time = DateTime.UnixEpoch;
        var live = body.ContainsKey("metadata") ? ServerSideApply.Apply(PodSchema, Object(Pod), Object("""{"spec":{}}"""), "n", "v1", "", true,
            time) : null;
        ServerSideApply.TrackUpdate(PodSchema, live, body, "o", "Update", "v1", "", time);
        ServerSideApply.Apply(PodSchema, body, Object("""{"metadata":{"labels":{"x":"y"}},"spec":{"nodeName":"z"}}"""), "m", "v1", "", true, time);
        ServerSideApply.Apply(PodSchema, live, Body(text), "m", "v1", "", false, time);
    }

    private static void Name(string text)
    {
        var clean = text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '/' or '_');
        if (!clean && (DnsNames.Is1035Label(text) || DnsNames.Is1123Label(text) || DnsNames.Is1123Subdomain(text)
            || DnsNames.IsQualifiedName(text) || DnsNames.IsFullyQualified(text) || (text.Length > 0 && DnsNames.HasLabelCharacters(text))))
        {
            throw new InvalidOperationException("taken as a name");
        }
    }
}
