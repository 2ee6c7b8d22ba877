using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Http.Discovery;
using Knet.ApiServer.Http.OpenApi;
using Knet.ApiServer.Http.Protobuf;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Schemas;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Http;

public sealed class OpenApiTests
{
    private static KindInfo BuiltIn(string group, string version, string plural, string kind)
    {
        var type = new ResourceType(group, version, plural, kind, true);
        return new KindInfo(type) { Singular = kind.ToLowerInvariant(), Schema = BuiltInSchemas.For(type) };
    }

    private static KindInfo Custom(string schema) => new(new ResourceType("x.example.com", "v1", "xs", "X", true))
    {
        Singular = "x",
        IsCustom = true,
        Schema = new(() => CrdSchemas.Parse(JsonNode.Parse(schema)!)),
    };

    private static readonly KindCatalog Catalog = new(
    [
        BuiltIn("", "v1", "pods", "Pod"), BuiltIn("apps", "v1", "deployments", "Deployment"),
        Custom("""{"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string","description":"An a."}}}}}"""),
    ]);

    private static JsonNode Parse(OpenApiDocument? document) => JsonNode.Parse(document!.Content().Span)!;

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(m => m.Key == "$ref" ? [(string)m.Value!] : References(m.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };

    [Theory]
    [InlineData("", "Pod", "io.k8s.api.core.v1.Pod")]
    [InlineData("apps", "Deployment", "io.k8s.api.apps.v1.Deployment")]
    [InlineData("x.example.com", "X", "com.example.x.v1.X")]
    public void Document_HoldsTheKindAndAllItRefersTo(string group, string kind, string name)
    {
        var schemas = Parse(new OpenApiDocuments("v1.35.0").V3(Catalog, group, "v1"))["components"]!["schemas"]!.AsObject();
        Assert.Equal(kind, (string)schemas[name]!["x-kubernetes-group-version-kind"]![0]!["kind"]!);
        Assert.All(References(schemas), r => Assert.True(schemas.ContainsKey(r["#/components/schemas/".Length..]), r));
    }

    [Fact]
    public void Patch_TellsWhatKubectlLooksFor()
    {
        var paths = Parse(new OpenApiDocuments("v1.35.0").V3(Catalog, "apps", "v1"))["paths"]!;
        var patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]!["patch"]!;
        Assert.Contains("fieldValidation", patch["parameters"]!.AsArray().Select(p => (string)p!["name"]!));
        Assert.NotNull(patch["requestBody"]!["content"]!["application/strategic-merge-patch+json"]);
        Assert.Equal("Deployment", (string)patch["x-kubernetes-group-version-kind"]!["kind"]!);
    }

    [Fact]
    public void Hash_ChangesWithACustomKindOnly()
    {
        var documents = new OpenApiDocuments("v1.35.0");
        var changed = new KindCatalog([.. Catalog.All.Take(2), Custom("""{"type":"object","properties":{"spec":{"type":"object"}}}""")]);
        Assert.Equal(documents.V3(Catalog, "", "v1")!.Hash, documents.V3(changed, "", "v1")!.Hash);
        Assert.NotEqual(documents.V3(Catalog, "x.example.com", "v1")!.Hash, documents.V3(changed, "x.example.com", "v1")!.Hash);
        Assert.Null(documents.V3(Catalog, "nope", "v1"));
    }

    [Fact]
    public void Versions_ComeInKubernetesOrder() => Assert.Equal(
        ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"],
        new[] { "foo", "v1alpha1", "v1", "v2beta1", "v10", "v1beta2", "v2" }.Order(VersionOrder.Instance));

    [Fact]
    public void Protobuf_HoldsTheSameAsJson()
    {
        var bytes = new OpenApiDocuments("v1.35.0").V2Protobuf(Catalog).Content();
        Assert.Equal("2.0", Text(Field(bytes, 1)));
        Assert.Equal("Kubernetes", Text(Field(Field(bytes, 2), 1)));

        // definitions (9): entries (1) with name (1) and schema (2), whose properties (25) are such entries again
        var custom = Fields(Field(bytes, 9), 1).Single(e => Text(Field(e, 1)) == "com.example.x.v1.X");
        var spec = Fields(Field(Field(custom, 2), 25), 1).Single(e => Text(Field(e, 1)) == "spec");
        var a = Field(Field(Field(Field(spec, 2), 25), 1), 2);
        Assert.Equal("An a.", Text(Field(a, 4)));
        Assert.Equal("string", Text(Field(Field(a, 22), 1)));
        var kind = Fields(Field(custom, 2), 31).Single();
        Assert.Equal("x-kubernetes-group-version-kind", Text(Field(kind, 1)));
        Assert.Equal("""[{"group":"x.example.com","version":"v1","kind":"X"}]""", Text(Field(Field(kind, 2), 2)));

        // paths (8): entries (2); get (2) and its extension (13) x-kubernetes-action
        var paths = Fields(Field(bytes, 8), 2).ToDictionary(e => Text(Field(e, 1)), e => Field(e, 2));
        var pods = Field(paths["/api/v1/namespaces/{namespace}/pods"], 2);
        Assert.Equal("\"list\"", Text(Field(Field(Fields(pods, 13).Single(e => Text(Field(e, 1)) == "x-kubernetes-action"), 2), 2)));
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static ReadOnlyMemory<byte> Field(ReadOnlyMemory<byte> message, int number) => Fields(message, number)[0];

    private static List<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int number)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        var reader = new ProtobufReader(message.Span);
        while (reader.Read())
        {
            if (reader.Field == number)
            {
                found.Add(reader.Bytes.ToArray());
            }
        }

        return found;
    }
}
