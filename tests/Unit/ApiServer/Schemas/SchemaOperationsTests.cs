using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Schemas;
using Xunit;
using FieldError = Knet.ApiServer.Schemas.FieldError;

namespace Knet.Tests.Unit.ApiServer.Schemas;

public sealed class SchemaOperationsTests
{
    private static readonly SchemaNode Crd = CrdSchemas.Parse(JsonNode.Parse("""
        {"type":"object","properties":{"spec":{"type":"object","required":["size"],"properties":{
          "size":{"type":"integer","minimum":1,"maximum":9},"color":{"type":"string","enum":["red","blue"],"default":"red"},
          "name":{"type":"string","pattern":"^[a-z]+$","maxLength":5},"port":{"x-kubernetes-int-or-string":true},
          "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
          "items":{"type":"array","maxItems":2,"items":{"type":"object","properties":{"a":{"type":"string","default":"x"}}}},
          "keyed":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
            "items":{"type":"object","properties":{"k":{"type":"string"}}}},
          "embedded":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}},
          "maybe":{"type":"string","nullable":true}}}}}
        """)!);

    private static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    [Fact]
    public void Prune_RemovesWhatTheSchemaDoesNotKnow()
    {
        var value = Json("""
            {"apiVersion":"x/v1","kind":"X","metadata":{"name":"n","bogus":1},"top":1,"spec":{"size":1,"foo":1,"free":{"any":{"thing":1}},
             "items":[{"a":"1","b":2}],"embedded":{"apiVersion":"v1","kind":"Y","metadata":{"name":"m"},"other":1}}}
            """);
        var pruned = SchemaOperations.Prune(Crd, value);
        Assert.Equal(["metadata.bogus", "spec.embedded.other", "spec.foo", "spec.items[0].b", "top"], pruned.Order(StringComparer.Ordinal));
        Assert.Equal(1, (int)value["spec"]!["free"]!["any"]!["thing"]!);
        Assert.Equal("m", (string)value["spec"]!["embedded"]!["metadata"]!["name"]!);
        Assert.Null(value["top"]);
    }

    [Fact]
    public void Defaults_FillInAbsentMembersAndDropNulls()
    {
        var value = Json("""{"spec":{"color":null,"maybe":null,"items":[{}]}}""");
        SchemaOperations.ApplyDefaults(Crd, value);
        Assert.Equal("""{"spec":{"maybe":null,"items":[{"a":"x"}],"color":"red"}}""", value.ToJsonString());
    }

    [Theory]
    [InlineData("""{"color":"red"}""", "spec.size", "FieldValueRequired", "Required value")]
    [InlineData(
        """{"size":"x"}""",
        "spec.size", "FieldValueTypeInvalid", "Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
    [InlineData("""{"size":0}""", "spec.size", "FieldValueInvalid", "Invalid value: 0: spec.size in body should be greater than or equal to 1")]
    [InlineData(
        """{"size":1,"color":"green"}""",
        "spec.color", "FieldValueNotSupported", "Unsupported value: \"green\": supported values: \"red\", \"blue\"")]
    [InlineData(
        """{"size":1,"name":"A"}""",
        "spec.name", "FieldValueInvalid", "Invalid value: \"A\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"size":1,"name":"abcdef"}""", "spec.name", "FieldValueTooLong", "Too long: may not be more than 5 bytes")]
    [InlineData("""{"size":1,"items":[{},{},{}]}""", "spec.items", "FieldValueTooMany", "Too many: 3: must have at most 2 items")]
    [InlineData(
        """{"size":1,"port":true}""",
        "spec.port", "FieldValueTypeInvalid", "Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"size":1,"keyed":[{"k":"a"},{"k":"a"}]}""", "spec.keyed[1]", "FieldValueDuplicate", "Duplicate value: {\"k\":\"a\"}")]
    public void Validate_SaysItInKubernetesWords(string spec, string path, string type, string detail)
    {
        var error = Assert.Single(SchemaOperations.Validate(Crd, new JsonObject { ["spec"] = Json(spec) }));
        Assert.Equal(new FieldError(path, type, detail), error);
    }

    [Theory]
    [InlineData("""{"oneOf":[{"required":["a"]},{"required":["b"]}]}""", "must validate one and only one schema (oneOf). Found none valid")]
    [InlineData("""{"oneOf":[{},{}]}""", "must validate one and only one schema (oneOf). Found 2 valid alternatives")]
    [InlineData("""{"anyOf":[{"required":["a"]}]}""", "must validate at least one schema (anyOf)")]
    [InlineData("""{"allOf":[{"required":["a"]},{}]}""", "must validate all the schemas (allOf)")]
    [InlineData("""{"not":{}}""", "must not validate the schema (not)")]
    public void Combinations_SayWhichRuleAndNoPath(string rule, string text)
    {
        var schema = CrdSchemas.Parse(new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["spec"] = Json(rule) } });
        var errors = SchemaOperations.Validate(schema, Json("""{"spec":{}}"""));
        Assert.Contains(new FieldError("<nil>", "FieldValueInvalid", $"Invalid value: \"\": \"spec\" {text}"), errors);
    }

    [Fact]
    public void BuiltIn_SchemasFollowTheModels()
    {
        var pod = BuiltInSchemas.For(Knet.Api.Meta.ResourceType.Of<V1Pod>())!.Value;
        var containers = pod.Properties["spec"].Properties["containers"];
        Assert.Equal(("map", "name", "merge"), (containers.ListType, containers.PatchMergeKey, containers.PatchStrategy));
        Assert.Equal(["containerPort", "protocol"], containers.Items!.Properties["ports"].ListMapKeys!);
        Assert.Contains("name", containers.Items.Required);
        Assert.True(containers.Items.Properties["resources"].Properties["limits"].AdditionalProperties!.IntOrString);
        Assert.NotNull(BuiltInSchemas.For(Knet.Api.Meta.ResourceType.Of<Corev1Event>()));
        Assert.NotNull(BuiltInSchemas.For(Knet.Api.Meta.ResourceType.Of<V1CustomResourceDefinition>())); // recursive
    }

    [Fact]
    public void BuiltIn_TypicalObject_IsValidAndUnpruned()
    {
        var pod = Json("""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","creationTimestamp":null},"spec":{"containers":[{"name":"c","image":"i",
             "resources":{"limits":{"cpu":1,"memory":"1Gi"}},"livenessProbe":{"httpGet":{"port":"web"}}}]},"status":{}}
            """);
        var schema = BuiltInSchemas.For(typeof(V1Pod));
        Assert.Empty(SchemaOperations.Prune(schema, pod));
        SchemaOperations.ApplyDefaults(schema, pod);
        Assert.Empty(SchemaOperations.Validate(schema, pod));
    }
}
