using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Api.Schema;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

/// <summary>What CRDs may say, which of them are served, and what becomes of objects when they change.</summary>
public sealed class CrdTests
{
    private static readonly ResourceType Things = new("x.io", "v1", "things", "Thing", true);

    private static string Crd(string schema, string names = "", string version = "", string more = "", string plural = "things") => $$$"""
        {"metadata":{"name":"{{{plural}}}.x.io"},"spec":{"group":"x.io","scope":"Namespaced",
         "names":{"plural":"{{{plural}}}","kind":"{{{(plural == "things" ? "Thing" : "Other")}}}"{{{names}}} },
         "versions":[{"name":"v1","served":true,"storage":true{{{version}}},"schema":{"openAPIV3Schema":{{{schema}}} } }{{{more}}}]}}
        """;

    private static string Spec(string node) => Crd("""{"type":"object","properties":{"spec":""" + node + "}}");

    [Theory]
    [InlineData("""{}""", "properties[spec].type: Required value: must not be empty for specified object fields")]
    [InlineData("""{"type":"array"}""", "properties[spec].items: Required value: must be specified")]
    [InlineData("""{"type":"array","items":{}}""", "properties[spec].items.type: Required value: must not be empty for specified array items")]
    [InlineData("""{"type":"text"}""", "properties[spec].type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\"")]
    [InlineData("""{"type":"array","items":{"type":"string"},"uniqueItems":true}""",
        "uniqueItems: Forbidden: uniqueItems cannot be set to true")]
    [InlineData("""{"type":"object","anyOf":[{"type":"object"}]}""", "anyOf[0].type: Forbidden: must be empty to be structural")]
    [InlineData("""{"type":"object","not":{"properties":{"b":{}}}}""",
        "properties[spec].properties[b]: Required value: because it is defined in spec.validation.openAPIV3Schema.properties[spec].not.")]
    [InlineData("""{"type":"string","default":1}""", "properties[spec].default: Invalid value: \"integer\": must be of type string")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"default":{"b":1}}""",
        "default: Invalid value: {\"b\":1}: must not have unknown fields")]
    [InlineData("""{"type":"string","pattern":"("}""", "pattern: Invalid value: \"(\": must be a valid regular expression, but isn't")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}}""",
        "additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object","properties":{"k":{"type":"string"}}}}""",
        "x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map")]
    [InlineData("""
        {"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
         "items":{"type":"object","properties":{"k":{"type":"string"}}}}
        """,
        "properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}}""",
        "items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set")]
    [InlineData("""{"type":"object","x-kubernetes-embedded-resource":true}""", "properties: Required value: must not be empty if x-kubernetes-emb")]
    [InlineData("""{"x-kubernetes-int-or-string":true,"x-kubernetes-preserve-unknown-fields":true}""",
        "must be false if x-kubernetes-int-or-string is true")]
    public async Task SchemaThatIsNotStructural_IsRefusedWithThePath(string spec, string text)
    {
        await using var api = await Api.StartAsync();
        var refused = await RegistryTests.Refused(() => api.CreateAsync(Api.Crds, Spec(spec)));
        Assert.Equal(422, refused.Code);
        Assert.Contains(text, refused.Message);
        Assert.Contains("spec.validation.openAPIV3Schema.", refused.Message);
    }

    [Fact]
    public async Task CommonShapes_AreStructural()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Crds, Spec("""
            {"type":"object","properties":{
              "port":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}],"pattern":"^[0-9]+$"},
              "any":{"x-kubernetes-preserve-unknown-fields":true},
              "map":{"type":"object","additionalProperties":{"type":"string"},"default":{"a":"b"}},
              "a":{"type":"string"},"b":{"type":"string"}},
             "oneOf":[{"required":["a"],"properties":{"a":{"minLength":1}}},{"required":["b"]}]}
            """));
        foreach (var definition in CrdWriter.All())
        {
            await api.CreateAsync(Api.Crds, definition.ToJsonString());
        }
    }

    [Theory]
    [InlineData("\"group\":\"x.io\"", "\"group\":\"xio\"", "spec.group: Invalid value: \"xio\": should be a domain with at least one dot")]
    [InlineData("\"scope\":\"Namespaced\"", "\"scope\":\"Local\"",
        "spec.scope: Unsupported value: \"Local\": supported values: \"Cluster\", \"Namespaced\"")]
    [InlineData("\"storage\":true", "\"storage\":false", "must have exactly one version marked as storage version")]
    [InlineData("\"name\":\"v1\"", "\"name\":\"V1\"", "spec.versions[0].name: Invalid value: \"V1\": a DNS-1035 label must consist of")]
    [InlineData("\"kind\":\"Thing\"", "\"kind\":\"Th_ng\"",
        "spec.names.kind: Invalid value: \"Th_ng\": may have mixed case, but should otherwise match: a DNS")]
    [InlineData("\"served\":true", "\"served\":true,\"deprecationWarning\":\"x\"",
        "deprecationWarning: Invalid value: \"x\": can only be set for deprecated versions")]
    [InlineData("\"served\":true", "\"served\":true,\"additionalPrinterColumns\":[{\"name\":\"n\",\"type\":\"text\",\"jsonPath\":\"x\"}]",
        "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .")]
    [InlineData("\"served\":true",
        "\"served\":true,\"subresources\":{\"scale\":{\"specReplicasPath\":\".status.n\",\"statusReplicasPath\":\".status.n\"}}",
        "spec.subresources.scale.specReplicasPath: Invalid value: \".status.n\": should be a json path under .spec")]
    [InlineData("\"x.io\"", "\"x.k8s.io\"", "protected groups must have approval annotation \"api-approved.kubernetes.io\"")]
    public async Task DefinitionThatContradictsItself_IsRefused(string from, string to, string text)
    {
        await using var api = await Api.StartAsync();
        var refused = await RegistryTests.Refused(() => api.CreateAsync(Api.Crds, Crd("""{"type":"object"}""").Replace(from, to)));
        Assert.Contains(text, refused.Message);
    }

    [Fact]
    public async Task TakenName_IsNotAccepted_UntilItIsFree()
    {
        await using var api = await Api.StartAsync();
        var others = Things with { Plural = "others", Kind = "Other" };
        await api.CreateAsync(Api.Crds, Crd("""{"type":"object"}""", ""","shortNames":["th"]"""));
        var second = await api.CreateAsync(Api.Crds, Crd("""{"type":"object"}""", ""","shortNames":["th"]""", plural: "others"));
        Assert.Equal(("False", "ShortNamesConflict", "\"th\" is already in use"), Condition(second, "NamesAccepted"));
        Assert.Equal(("False", "NotAccepted", "not all names are accepted"), Condition(second, "Established"));
        Assert.Equal(404, (await RegistryTests.Refused(() => api.CreateAsync(others, """{"metadata":{"name":"o"}}"""))).Code);

        await api.DeleteAsync(Api.Crds, "things.x.io");
        await api.WatchUntilAsync(
            new KubeRequest(KubeVerb.List, Api.Crds) { FieldSelector = "metadata.name=others.x.io" },
            seen => Condition(Api.Json(seen[^1].Document), "Established").Status == "True");
        await api.CreateAsync(others, """{"metadata":{"name":"o"}}""");
    }

    [Fact]
    public async Task ChangedSchema_AppliesToWhatIsStored()
    {
        await using var api = await Api.StartAsync();
        var crd = await api.CreateAsync(Api.Crds, Spec("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}"""));
        await api.CreateAsync(Things, """{"metadata":{"name":"t"},"spec":{"a":"long","b":"x"}}""");
        var spec = crd["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;
        spec["properties"] = JsonNode.Parse("""{"a":{"type":"string","maxLength":2},"n":{"type":"integer","default":3}}""");
        await api.UpdateAsync(Api.Crds, crd);

        var read = await api.GetAsync(Things, "t");
        Assert.Equal("""{"a":"long","n":3}""", read["spec"]!.ToJsonString());
        var changed = await api.PatchAsync(Things, "t", PatchKind.Merge, """{"spec":{"n":4}}""");
        Assert.Equal("""{"a":"long","n":4}""", changed["spec"]!.ToJsonString());
        var refused = await RegistryTests.Refused(() => api.PatchAsync(Things, "t", PatchKind.Merge, """{"spec":{"a":"other"}}"""));
        Assert.Contains("spec.a: Too long: may not be more than 2 bytes", refused.Message);
    }

    [Fact]
    public async Task Versions_StoredOnesStay_AndDeprecatedOnesWarn()
    {
        const string Second = """,{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}""";
        await using var api = await Api.StartAsync();
        var crd = await api.CreateAsync(Api.Crds, Crd(
            """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""", version: ",\"deprecated\":true", more: Second));
        Assert.Equal("x.io/v1 Thing is deprecated; use x.io/v2 Thing", api.Core.Registry.Kinds.Find("x.io", "v1", "things")!.DeprecationWarning);
        await api.CreateAsync(Things, """{"metadata":{"name":"t"},"spec":{"a":1}}""");
        Assert.Null((await api.GetAsync(Things with { Version = "v2" }, "t"))["spec"]);

        crd["spec"]!["versions"]!.AsArray().RemoveAt(0);
        crd["spec"]!["versions"]![0]!["storage"] = true;
        var refused = await RegistryTests.Refused(() => api.UpdateAsync(Api.Crds, crd));
        Assert.Contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions", refused.Message);
    }

    [Fact]
    public async Task BeingDeleted_TakesNoNewObjects_AndABuiltInKindStays()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Crds, Crd("""{"type":"object"}"""));
        await api.CreateAsync(Things, """{"metadata":{"name":"t","finalizers":["x.io/hold"]}}""");
        await api.DeleteAsync(Api.Crds, "things.x.io");
        Assert.Equal("True", Condition(await api.GetAsync(Api.Crds, "things.x.io"), "Terminating").Status);
        var refused = await RegistryTests.Refused(() => api.CreateAsync(Things, """{"metadata":{"name":"u"}}"""));
        Assert.Equal((405, "create not allowed while custom resource definition is terminating"), (refused.Code, refused.Message));
        await api.PatchAsync(Things, "t", PatchKind.Merge, """{"metadata":{"finalizers":null}}""");
        await api.WaitGoneAsync(Api.Crds, "things.x.io", "");

        var leases = new ResourceType("coordination.k8s.io", "v1", "leases", "Lease", true);
        await api.CreateAsync(leases, """{"metadata":{"name":"l"}}""");
        await api.CreateAsync(Api.Crds, Crd("""{"type":"object"}""").Replace("\"x.io\"", "\"coordination.k8s.io\"")
            .Replace("things.x.io\"", "leases.coordination.k8s.io\",\"annotations\":{\"api-approved.kubernetes.io\":\"unapproved, test\"}")
            .Replace("things", "leases"));
        await api.DeleteAsync(Api.Crds, "leases.coordination.k8s.io");
        await api.WaitGoneAsync(Api.Crds, "leases.coordination.k8s.io", "");
        await api.GetAsync(leases, "l");
    }

    [Fact]
    public async Task CelRules_AreStoredWithAWarning()
    {
        await using var api = await Api.StartAsync();
        var result = await api.SendAsync(new KubeRequest(KubeVerb.Create, Api.Crds)
        {
            Body = System.Text.Encoding.UTF8.GetBytes(Spec("""{"type":"object","x-kubernetes-validations":[{"rule":"self.a > 1"}]}""")),
        });
        Assert.Equal(
            "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]: CEL rules are stored and not evaluated by this server",
            Assert.Single(result.Warnings!));
    }

    [Fact]
    public async Task AppliedScale_ConflictsWithOtherManagersAndTakesTheReplicas()
    {
        const string Scaled = ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".spec.n\",\"statusReplicasPath\":\".status.n\"}}";
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Crds, Crd("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}""", version: Scaled));
        await api.PatchAsync(Things, "t", PatchKind.Apply, """{"metadata":{"name":"t"},"spec":{"n":1}}""");
        var request = new KubeRequest(KubeVerb.Patch, Things)
        {
            Namespace = "default", Name = "t", Subresource = "scale", Patch = PatchKind.Apply, FieldManager = "hpa",
            Body = System.Text.Encoding.UTF8.GetBytes("""{"spec":{"replicas":3}}"""),
        };
        var refused = await RegistryTests.Refused(async () => Api.Read(await api.SendAsync(request)));
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"test\": .spec.n"), (refused.Code, refused.Message));

        Assert.Equal("3", Api.Read(await api.SendAsync(request with { Force = true }))["spec"]!["replicas"]!.ToString());
        var managers = (await api.GetAsync(Things, "t"))["metadata"]!["managedFields"]!.AsArray();
        Assert.Equal("scale", Assert.Single(managers)!["subresource"]!.ToString());
    }

    [Fact]
    public async Task KindThatNothingRuns_CanBeListedOnly()
    {
        await using var api = await Api.StartAsync();
        var sets = ResourceType.Of<k8s.Models.V1StatefulSet>();
        Assert.Empty((await api.ListAsync(sets)).Items);
        var refused = await RegistryTests.Refused(() => api.CreateAsync(sets, """{"metadata":{"name":"s"}}"""));
        Assert.Equal("this server has no controller for statefulsets.apps: none can be created", refused.Message);
    }

    [Theory]
    [InlineData("date-time", "2026-01-02T03:04:05Z", "2026-01-02T03:04Z")]
    [InlineData("ipv4", "10.0.0.1", "1")]
    [InlineData("ipv6", "::1", "10.0.0.1")]
    [InlineData("cidr", "10.0.0.1/8", "10.0.0.1/33")]
    [InlineData("uuid", "6a6a6a6a-0000-4000-8000-000000000000", "{6a6a6a6a-0000-4000-8000-000000000000}")]
    [InlineData("duration", "1h30m", "soon")]
    [InlineData("hostname", "a.example", "a_b")]
    [InlineData("unheard-of", "anything", null)]
    public void Formats_AreChecked(string format, string good, string? bad)
    {
        Assert.True(Knet.ApiServer.Schemas.StringFormats.Has(format, good));
        Assert.False(bad is not null && Knet.ApiServer.Schemas.StringFormats.Has(format, bad));
    }

    private static (string Status, string Reason, string Message) Condition(JsonObject crd, string type)
    {
        var condition = crd["status"]!["conditions"]!.AsArray().Single(c => c!["type"]!.ToString() == type)!;
        return (condition["status"]!.ToString(), condition["reason"]!.ToString(), condition["message"]!.ToString());
    }
}
