using System.Text.Json.Nodes;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Registry.Crds;
using Knet.ApiServer.Schemas;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>Schemas that users bring with their CRDs, and objects under them.</summary>
internal static class SchemaTargets
{
    private const string Schema = """
        {"type":"object","properties":{"spec":{"type":"object","required":["a"],"properties":{"a":{"type":"string","pattern":"^(a+)+$"},
        "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{
        "k":{"type":"string"},"v":{"x-kubernetes-int-or-string":true}}}},"m":{"type":"object","additionalProperties":{"type":"number",
        "maximum":5,"multipleOf":0.1}},"any":{"x-kubernetes-preserve-unknown-fields":true},"e":{"type":"string","enum":["x"],"default":"x"}}}}}
        """;

    private const string Value =
        """{"spec":{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!","l":[{"k":"1","v":2}],"m":{"x":4.9},"any":{"y":[1]},"z":1}}""";

    private static readonly string[] Words =
    [
        "{", "}", "[", "]", ",", "null", "true", "1", "-1", "1e400", "0", "\"a\"", "\"type\":\"object\"", "\"type\":\"array\"",
        "\"type\":\"string\"", "\"type\":1",
        "\"properties\":", "\"items\":", "\"a\":", "\"enum\":", "\"pattern\":\"(\"", "\"pattern\":\"(a|a)*$\"", "\"maximum\":", "\"default\":",
        "\"x-kubernetes-list-type\":\"map\"", "\"x-kubernetes-list-type\":\"set\"", "\"x-kubernetes-list-map-keys\":", "\"additionalProperties\":",
        "\"minLength\":", "\"multipleOf\":", "\"format\":\"date-time\"", "\"format\":\"byte\"", "\"nullable\":", "\"oneOf\":", "\"not\":",
        "\"required\":",
        "\"x-kubernetes-embedded-resource\":", "\"maxProperties\":", "\"uniqueItems\":",
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FuzzTarget.Text("crd-schema", Words, text => UseSchema(text, Value), ApiTargets.Refused, Schema),
        FuzzTarget.Text("crd-object", Words, text => UseSchema(Schema, text), ApiTargets.Refused, Value),
    ];

    private static void UseSchema(string schema, string value)
    {
        var definition = ApiTargets.Body(schema);
        new SchemaRules(new FieldErrors()).Check(definition, "s", hasStatus: true);
        var node = CrdSchemas.Parse(definition);
        var body = ApiTargets.Body(value);
        SchemaOperations.Prune(node, body);
        SchemaOperations.ApplyDefaults(node, body);
        SchemaOperations.Validate(node, body);
        ServerSideApply.Apply(node, body, (JsonObject)body.DeepClone(), "m", "a/v1", "", true, DateTime.UnixEpoch);
    }
}
