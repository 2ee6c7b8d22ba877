using System.Text.Json.Nodes;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Schema;
using Xunit;

namespace Knet.Tests.Unit.Api.Schema;

/// <summary>The definitions of our kinds as a Kubernetes API server takes them.</summary>
public sealed class CrdWriterTests
{
    private static readonly IReadOnlyList<JsonObject> All = CrdWriter.ForServing();

    [Fact]
    public void Serving_HasItsKinds() => Assert.Equal(
        [
            "certificates.networking.internal.knative.dev", "clusterdomainclaims.networking.internal.knative.dev",
            "configurations.serving.knative.dev",
            "domainmappings.serving.knative.dev", "ingresses.networking.internal.knative.dev",
            "metrics.autoscaling.internal.knative.dev",
            "podautoscalers.autoscaling.internal.knative.dev", "revisions.serving.knative.dev", "routes.serving.knative.dev",
            "serverlessservices.networking.internal.knative.dev", "services.serving.knative.dev",
        ],
        All.Select(d => Text(d, "metadata.name")).Order(StringComparer.Ordinal));

    [Fact]
    public void OldVersions_AreServedWithAWarningAndNeverStored()
    {
        var versions = All.Single(d => Text(d, "metadata.name") == "services.serving.knative.dev")["spec"]!["versions"]!.AsArray();
        Assert.Equal(
            [("v1", true, false), ("v1beta1", false, true), ("v1alpha1", false, true)],
            versions.Select(v => ((string)v!["name"]!, (bool)v["storage"]!, (bool?)v["deprecated"] ?? false)));
    }

    [Theory]
    [InlineData("spec.template.spec.containerConcurrency", "integer", "int64")]
    [InlineData("spec.template.spec.containers.[].image", "string", null)]
    [InlineData("spec.template.spec.containers.[].env.[].valueFrom.secretKeyRef.key", "string", null)]
    [InlineData("spec.template.spec.containers.[].ports.[].containerPort", "integer", "int32")]
    [InlineData("spec.template.spec.containers.[].readinessProbe.httpGet.port", "int-or-string", null)]
    [InlineData("spec.template.spec.containers.[].resources.limits.*", "int-or-string", null)]
    [InlineData("spec.template.spec.volumes.[].secret.items.[].mode", "integer", "int32")]
    [InlineData("spec.template.spec.nodeSelector.*", "string", null)]
    [InlineData("spec.template.metadata.annotations.*", "string", null)]
    [InlineData("spec.traffic.[].percent", "integer", "int64")]
    [InlineData("status.conditions.[].lastTransitionTime", "string", "date-time")]
    [InlineData("status.address.CACerts", "string", null)]
    [InlineData("metadata", "object", null)]
    public void Service_DescribesItsFields(string path, string type, string? format)
    {
        var node = Schema("services.serving.knative.dev");
        foreach (var step in path.Split('.'))
        {
            var child = step switch { "[]" => node["items"], "*" => node["additionalProperties"], _ => node["properties"]![step] };
            node = child!.AsObject();
        }

        Assert.Equal(type, node.ContainsKey("x-kubernetes-int-or-string") ? "int-or-string" : (string?)node["type"]);
        Assert.Equal(format, (string?)node["format"]);
    }

    [Fact]
    public void EverySchema_IsStructural()
    {
        foreach (var definition in All)
        {
            CheckStructural(Schema(Text(definition, "metadata.name")), Text(definition, "metadata.name"));
        }
    }

    [Fact]
    public void Conditions_AreAtomicAndNeedTypeAndStatus()
    {
        var conditions = Schema("routes.serving.knative.dev")["properties"]!["status"]!["properties"]!["conditions"]!;
        Assert.Null(conditions["x-kubernetes-list-type"]);
        Assert.Equal(["status", "type"], conditions["items"]!["required"]!.AsArray().Select(r => (string?)r).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Container_MayComeWithoutAName() =>
        Assert.DoesNotContain("name", Container()["required"]?.AsArray().Select(r => (string?)r) ?? []);

    [Fact]
    public void Container_IsExplained() => Assert.Contains("resolved to a digest", (string?)Container()["properties"]!["image"]!["description"]);

    [Fact]
    public void OwnFields_AreExplainedByTheirComments() => Assert.Contains(
        "0 means no limit",
        (string?)Schema("revisions.serving.knative.dev")["properties"]!["spec"]!["properties"]!["containerConcurrency"]!["description"]);

    [Fact]
    public void Names_ComeFromTheAttributes()
    {
        var definition = CrdWriter.Write(typeof(KnPodAutoscaler));
        var names = definition["spec"]!["names"]!;
        Assert.Equal("""["kpa","pa"]""", names["shortNames"]!.ToJsonString());
        Assert.Equal("PodAutoscalerList", (string?)names["listKind"]);
        Assert.Equal("Namespaced", Text(definition, "spec.scope"));
        var version = definition["spec"]!["versions"]![0]!;
        Assert.Equal(
            ["DesiredScale", "ActualScale", "Ready", "Reason"],
            version["additionalPrinterColumns"]!.AsArray().Select(c => (string)c!["name"]!));
        Assert.NotNull(version["subresources"]!["status"]);
    }

    [Fact]
    public void Ducks_AreLabels()
    {
        var labels = All.Single(d => Text(d, "metadata.name") == "services.serving.knative.dev")["metadata"]!["labels"]!;
        Assert.Equal("true", (string?)labels["duck.knative.dev/podspecable"]);
        Assert.Equal("true", (string?)labels["duck.knative.dev/addressable"]);
        Assert.Equal("true", (string?)labels["knative.dev/crd-install"]);
    }

    [Fact]
    public void Typed_KeepsTheSchema()
    {
        var typed = CrdWriter.Typed(All[0]);
        Assert.Equal("services", typed.Spec.Names.Plural);
        Assert.Equal("object", typed.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Type);
        Assert.True(typed.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["template"].Properties["metadata"]
            .XKubernetesPreserveUnknownFields);
    }

    private static JsonObject Container() => Schema("services.serving.knative.dev")["properties"]!["spec"]!["properties"]!["template"]!
        ["properties"]!["spec"]!["properties"]!["containers"]!["items"]!.AsObject();

    private static JsonObject Schema(string name) => All.Single(d => Text(d, "metadata.name") == name)
        ["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!.AsObject();

    private static string Text(JsonNode node, string path) => (string)path.Split('.').Aggregate(node, (n, step) => n[step]!)!;

    // The rules of structural schemas: every node has one type, or is int-or-string, or keeps anything; no references.
    private static void CheckStructural(JsonObject node, string path)
    {
        var intOrString = node.ContainsKey("x-kubernetes-int-or-string");
        var anything = node.ContainsKey("x-kubernetes-preserve-unknown-fields");
        Assert.True(intOrString || anything || node["type"] is JsonValue, $"{path} has no single type");
        Assert.False(node.ContainsKey("$ref"), $"{path} is a reference");
        Assert.True(intOrString || !node.ContainsKey("anyOf"), $"{path} is a union");
        Assert.False(node.ContainsKey("properties") && node.ContainsKey("additionalProperties"), $"{path} is both a record and a map");
        Assert.True((string?)node["type"] != "array" || node["items"] is JsonObject, $"{path} is an array of nothing");
        foreach (var (name, child) in node["properties"]?.AsObject() ?? [])
        {
            CheckStructural(child!.AsObject(), $"{path}.{name}");
        }

        foreach (var inner in (string[])["items", "additionalProperties"])
        {
            if (node[inner] is JsonObject child)
            {
                CheckStructural(child, $"{path}.{inner}");
            }
        }
    }
}
