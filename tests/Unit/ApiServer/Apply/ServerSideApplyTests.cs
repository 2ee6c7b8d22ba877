using System.Text.Json.Nodes;
using CsCheck;
using k8s.Models;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Apply;

public sealed class ServerSideApplyTests
{
    private static readonly DateTime Now = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
    private static readonly SchemaNode Deployment = BuiltInSchemas.For(typeof(V1Deployment));

    private static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    private static JsonObject Apply(JsonObject? live, string applied, string manager, bool force = false, int seconds = 0) =>
        ServerSideApply.Apply(Deployment, live, Json(applied), manager, "apps/v1", "", force, Now.AddSeconds(seconds));

    private static JsonNode FieldsOf(JsonObject value, string manager) =>
        value["metadata"]!["managedFields"]!.AsArray().First(e => (string)e!["manager"]! == manager)!["fieldsV1"]!;

    private const string Web = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"replicas":2,
        "template":{"spec":{"containers":[{"name":"a","image":"a:1","ports":[{"containerPort":80}]},{"name":"b","image":"b:1"}]}}}}
        """;

    [Fact]
    public void Creation_OwnsExactlyWhatWasApplied()
    {
        var created = Apply(null, Web, "me");
        var wanted = Json("""
            {"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{
            "k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{
            "k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}},
            "k:{\"name\":\"b\"}":{".":{},"f:image":{},"f:name":{}}}}}}}
            """);
        Assert.True(JsonNode.DeepEquals(wanted, FieldsOf(created, "me")), FieldsOf(created, "me").ToJsonString());
        Assert.Equal("Apply", (string)created["metadata"]!["managedFields"]![0]!["operation"]!);
    }

    [Fact]
    public void SameConfigurationAgain_ChangesNothing()
    {
        var created = Apply(null, Web, "me");
        Assert.True(JsonNode.DeepEquals(created, Apply(created, Web, "me", seconds: 9)));
    }

    [Theory]
    [InlineData("a,b", "c", "a,b,c")]
    [InlineData("a,b", "c,a", "c,a,b")]
    [InlineData("a,b,c", "c,x,a", "b,c,x,a")]
    [InlineData("a,b,c,d", "d,b", "a,c,d,b")]
    [InlineData("a,b,c", "b,x", "a,b,c,x")]
    public void ListItems_ComeInKubernetesOrder(string live, string applied, string wanted)
    {
        static string Of(string names)
        {
            var containers = new JsonArray([.. names.Split(',').Select(n => new JsonObject { ["name"] = n })]);
            var spec = new JsonObject { ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = containers } } };
            return new JsonObject { ["metadata"] = new JsonObject { ["name"] = "web" }, ["spec"] = spec }.ToJsonString();
        }

        var both = Apply(Apply(null, Of(live), "me"), Of(applied), "other");
        Assert.Equal(wanted.Split(','), both["spec"]!["template"]!["spec"]!["containers"]!.AsArray().Select(c => (string)c!["name"]!));
    }

    [Fact]
    public void FieldNoLongerApplied_IsRemovedUnlessOwnedByAnother()
    {
        var both = Apply(Apply(null, Web, "me"), """{"metadata":{"name":"web"},"spec":{"replicas":2}}""", "other");
        var less = Apply(both, """
            {"metadata":{"name":"web"},"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:1"}]}}}}
            """, "me");
        Assert.Equal(2, (int)less["spec"]!["replicas"]!);
        Assert.Null(less["metadata"]!["labels"]);
        Assert.Equal(["b"], less["spec"]!["template"]!["spec"]!["containers"]!.AsArray().Select(c => (string)c!["name"]!));
    }

    [Fact]
    public void ForeignValue_ConflictsWithKubernetesText()
    {
        var live = Json(Web);
        ServerSideApply.TrackUpdate(Deployment, null, live, "kubectl-client-side-apply", "Update", "apps/v1", "", Now);
        var refusal = Assert.Throws<KubeException>(() => Apply(live, """{"spec":{"replicas":3}}""", "me"));
        Assert.Equal(409, refusal.Code);
        Assert.Equal("""Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas""", refusal.Message);
        Assert.Equal("FieldManagerConflict", refusal.Status.Details.Causes[0].Reason);
        Assert.Equal(".spec.replicas", refusal.Status.Details.Causes[0].Field);

        var forced = Apply(live, """{"spec":{"replicas":3}}""", "me", force: true);
        Assert.Equal(3, (int)forced["spec"]!["replicas"]!);
        Assert.Null(FieldsOf(forced, "kubectl-client-side-apply")["f:spec"]!["f:replicas"]);
        Assert.NotNull(FieldsOf(forced, "me")["f:spec"]!["f:replicas"]);
    }

    [Fact]
    public void ManyConflicts_AreListedByManagerWithKeys()
    {
        var live = Json(Web);
        ServerSideApply.TrackUpdate(Deployment, null, live, "x", "Update", "apps/v1", "", Now);
        var refusal = Assert.Throws<KubeException>(() => Apply(live, """
            {"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"a","image":"a:2"}]}}}}
            """, "me"));
        Assert.Equal(
            "Apply failed with 2 conflicts: conflicts with \"x\" using apps/v1:\n- .spec.replicas\n"
            + "- .spec.template.spec.containers[name=\"a\"].image", refusal.Message);
    }

    [Fact]
    public void Update_MovesOwnershipOfWhatItChanged()
    {
        var live = Apply(null, Web, "me");
        var after = (JsonObject)live.DeepClone();
        after["spec"]!["replicas"] = 5;
        after["metadata"]!["labels"]!.AsObject().Remove("app");
        ServerSideApply.TrackUpdate(Deployment, live, after, "scaler", "Update", "apps/v1", "", Now.AddSeconds(1));
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", FieldsOf(after, "scaler").ToJsonString());
        Assert.Null(FieldsOf(after, "me")["f:metadata"]);
        Assert.Null(FieldsOf(after, "me")["f:spec"]!["f:replicas"]);
    }

    [Fact]
    public void UpdateWithoutChange_LeavesManagedFieldsAlone()
    {
        var live = Apply(null, Web, "me");
        var after = (JsonObject)live.DeepClone();
        after["metadata"]!.AsObject().Remove("managedFields");
        ServerSideApply.TrackUpdate(Deployment, live, after, "x", "Update", "apps/v1", "", Now.AddSeconds(1));
        Assert.True(JsonNode.DeepEquals(live, after));
    }

    [Fact]
    public void DuplicateKeys_AreRefused()
    {
        var refusal = Assert.Throws<KubeException>(() => Apply(
            null, """{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}}}""", "me"));
        Assert.Contains(""".spec.template.spec.containers: duplicate entries for key [name="a"]""", refusal.Message, StringComparison.Ordinal);
    }

    private static readonly Gen<string> Name = Gen.OneOf([.. new[] { "a", "b", "c", "d" }.Select(n => Gen.Const(n))]);

    // Configurations with a scalar, a map, a keyed list with nested list, and an atomic list.
    private static readonly Gen<JsonObject> Config =
        Gen.Select(Gen.Int[0, 3], Gen.Dictionary(Name, Name)[0, 3], Gen.Dictionary(Name, Gen.Dictionary(Name, Name)[0, 2])[0, 3], Name.Array[0, 2])
            .Select((replicas, labels, containers, args) =>
            {
                var items = new JsonArray();
                foreach (var (name, env) in containers)
                {
                    items.Add((JsonNode)new JsonObject
                    {
                        ["name"] = name,
                        ["args"] = new JsonArray([.. args.Select(a => (JsonNode)a)]),
                        ["env"] = new JsonArray([.. env.Select(e => (JsonNode)new JsonObject { ["name"] = e.Key, ["value"] = e.Value })]),
                    });
                }

                return new JsonObject
                {
                    ["metadata"] = new JsonObject { ["labels"] = new JsonObject(labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value))) },
                    ["spec"] = new JsonObject
                    {
                        ["replicas"] = replicas, ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = items } },
                    },
                };
            });

    [Fact]
    public void AnyConfigurations_ApplyTwiceEqualsOnce_AndLeavingReturns() => Gen.Select(Config, Config).Sample((mine, theirs) =>
    {
        JsonObject Do(JsonObject? live, JsonObject config, string manager, int seconds) =>
            ServerSideApply.Apply(Deployment, live, config, manager, "apps/v1", "", force: true, Now.AddSeconds(seconds));

        var first = Do(null, mine, "me", 0);
        Assert.True(JsonNode.DeepEquals(first, Do(first, mine, "me", 1)), "apply is not idempotent");

        var both = Do(first, theirs, "them", 2);
        Assert.True(JsonNode.DeepEquals(both, Do(both, theirs, "them", 3)), "apply over another manager is not idempotent");

        // Applying mine again touches nothing that stays theirs.
        var again = Do(both, mine, "me", 4);
        var changes = FieldSets.Between(Deployment, both, again);
        var stillTheirs = ManagedFields.Read(again).Find(e => e.Manager == "them")?.Set ?? new FieldSet();
        Assert.Empty(FieldSet.Intersect(stillTheirs, FieldSet.Union(changes.Changed, changes.Removed)).Paths());

        // Whoever claims nothing any more leaves only what the other claims.
        var left = Do(both, [], "them", 4);
        var leftFields = left["metadata"]?["managedFields"]?.AsArray() ?? [];
        Assert.DoesNotContain(leftFields, e => (string)e!["manager"]! == "them");
        var alone = Do(null, theirs, "them", 0);
        Assert.True(JsonNode.DeepEquals(alone["spec"]!["replicas"], both["spec"]!["replicas"]));
    }, iter: 300);

    [Fact]
    public void AnyStrategicMergePatch_TwiceEqualsOnce() => Gen.Select(Config, Config).Sample((value, patch) =>
    {
        var once = StrategicMergePatch.Apply(Deployment, (JsonObject)value.DeepClone(), patch);
        var twice = StrategicMergePatch.Apply(Deployment, (JsonObject)once.DeepClone(), patch);
        Assert.True(JsonNode.DeepEquals(once, twice), $"{value} patched with {patch}");
    }, iter: 300);
}
