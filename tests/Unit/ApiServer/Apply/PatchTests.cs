using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using k8s.Models;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Apply;

public sealed class PatchTests
{
    private static JsonNode Json(string text) => JsonNode.Parse(text)!;

    private static void Same(string wanted, JsonNode actual) =>
        Assert.True(JsonNode.DeepEquals(Json(wanted), actual), $"wanted {wanted}\nactual {actual.ToJsonString()}");

    [Theory]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"add","path":"/a/c","value":2}]""", """{"a":{"b":1,"c":2}}""")]
    [InlineData("""{"a":[1,3]}""", """[{"op":"add","path":"/a/1","value":2},{"op":"add","path":"/a/-","value":4}]""", """{"a":[1,2,3,4]}""")]
    [InlineData("""{"a":[1,2]}""", """[{"op":"remove","path":"/a/0"}]""", """{"a":[2]}""")]
    [InlineData("""{"a":1}""", """[{"op":"test","path":"/a","value":1},{"op":"replace","path":"/a","value":null}]""", """{"a":null}""")]
    [InlineData("""{"a":{"x/y":1}}""", """[{"op":"move","from":"/a/x~1y","path":"/b"}]""", """{"a":{},"b":1}""")]
    [InlineData("""{"a":{"x":1}}""", """[{"op":"copy","from":"/a","path":"/b"}]""", """{"a":{"x":1},"b":{"x":1}}""")]
    public void JsonPatch_Operations(string target, string patch, string wanted) =>
        Same(wanted, JsonPatchDocument.Apply(Json(target), Encoding.UTF8.GetBytes(patch)));

    [Theory]
    [InlineData("""[{"op":"remove","path":"/missing"}]""", 422, "remove operation does not apply: doc is missing path: /missing: missing value")]
    [InlineData(
        """[{"op":"replace","path":"/missing","value":1}]""",
        422, "replace operation does not apply: doc is missing path: /missing: missing value")]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""", 422, "testing value /a failed: test failed")]
    [InlineData("""[{"op":"fly","path":"/a"}]""", 400, "unexpected kind: fly")]
    [InlineData("""{"op":"add"}""", 400, "must be an array")]
    public void JsonPatch_Refusals(string patch, int code, string text)
    {
        var refusal = Assert.Throws<KubeException>(() => JsonPatchDocument.Apply(Json("""{"a":1}"""), Encoding.UTF8.GetBytes(patch)));
        Assert.Equal(code, refusal.Code);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    private static readonly Gen<string> Name = Gen.OneOf([.. new[] { "a", "b", "c" }.Select(n => Gen.Const(n))]);

    private static readonly Gen<JsonNode> Tree = Gen.Recursive<JsonNode>((depth, self) => depth >= 3
        ? Gen.Int[0, 9].Select(i => (JsonNode)i)
        : Gen.OneOf(Gen.Int[0, 9].Select(i => (JsonNode)i), Gen.Dictionary(Name, self)[0, 3].Select(
            d => (JsonNode)new JsonObject(d.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value.DeepClone()))))));

    [Fact]
    public void JsonPatch_ThatCopiesItselfIntoItself_IsRefusedBeforeItFillsMemory()
    {
        var operations = string.Join(',', Enumerable.Range(0, 60).Select(i => $$"""{"op":"copy","from":"","path":"/{{i}}"}"""));
        var refusal = Assert.Throws<KubeException>(
            () => JsonPatchDocument.Apply(Json("""{"a":"some text"}"""), Encoding.UTF8.GetBytes($"[{operations}]")));
        Assert.Equal(413, refusal.Code);
    }

    [Fact]
    public void MergePatch_IsIdempotentAndEmptyPatchIsNeutral() => Gen.Select(Tree, Tree).Sample((target, patch) =>
    {
        var once = MergePatch.Apply(target.DeepClone(), patch);
        Assert.True(JsonNode.DeepEquals(once, MergePatch.Apply(once.DeepClone(), patch)));
        if (target is JsonObject)
        {
            Assert.True(JsonNode.DeepEquals(target, MergePatch.Apply(target.DeepClone(), new JsonObject())));
        }
    }, iter: 500);

    [Fact]
    public void MergePatch_NullRemovesAndListsReplace() =>
        Same(
            """{"b":{"d":2},"l":[3]}""",
            MergePatch.Apply(Json("""{"a":1,"b":{"c":1,"d":2},"l":[1,2]}"""), Json("""{"a":null,"b":{"c":null},"l":[3]}""")));

    [Theory]
    [InlineData( // items merge by key, new ones are appended
        """{"containers":[{"name":"a","image":"a:1","args":["x"]}]}""",
        """{"containers":[{"name":"b","image":"b:1"},{"name":"a","image":"a:2"}]}""",
        """{"containers":[{"name":"a","image":"a:2","args":["x"]},{"name":"b","image":"b:1"}]}""")]
    [InlineData( // $patch: delete takes an item away, $setElementOrder orders the rest
        """{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}""",
        """{"$setElementOrder/containers":[{"name":"c"},{"name":"a"}],"containers":[{"name":"b","$patch":"delete"}]}""",
        """{"containers":[{"name":"c"},{"name":"a"}]}""")]
    [InlineData( // $patch: replace on an object and on a list
        """{"securityContext":{"runAsUser":1,"fsGroup":2},"volumes":[{"name":"v"}]}""",
        """{"securityContext":{"$patch":"replace","fsGroup":3},"volumes":[{"name":"w"},{"$patch":"replace"}]}""",
        """{"securityContext":{"fsGroup":3},"volumes":[{"name":"w"}]}""")]
    [InlineData( // $retainKeys drops union members that are not named
        """{"volumes":[{"name":"v","emptyDir":{}}]}""",
        """{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"}}]}""",
        """{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}""")]
    [InlineData("""{"tolerations":[{"key":"a"}]}""", """{"tolerations":[{"key":"b"}]}""", """{"tolerations":[{"key":"b"}]}""")]
    [InlineData("""{"nodeSelector":{"a":"1","b":"2"}}""", """{"nodeSelector":{"a":null}}""", """{"nodeSelector":{"b":"2"}}""")]
    public void StrategicMerge_OfPodSpecs(string current, string patch, string wanted) =>
        Same(wanted, StrategicMergePatch.Apply(BuiltInSchemas.For(typeof(V1PodSpec)), (JsonObject)Json(current), (JsonObject)Json(patch)));

    [Fact]
    public void StrategicMerge_PrimitiveListsAddAndDelete() => Same(
        """{"finalizers":["b","c"]}""",
        StrategicMergePatch.Apply(
            BuiltInSchemas.ObjectMeta, (JsonObject)Json("""{"finalizers":["a","b"]}"""),
            (JsonObject)Json("""{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}""")));

    [Fact]
    public void StrategicMerge_ItemWithoutKey_IsRefused() => Assert.Contains(
        "does not contain declared merge key: name",
        Assert.Throws<KubeException>(() => StrategicMergePatch.Apply(
            BuiltInSchemas.For(typeof(V1PodSpec)), [], (JsonObject)Json("""{"containers":[{"image":"x"}]}"""))).Message, StringComparison.Ordinal);
}
