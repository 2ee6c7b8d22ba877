using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;
using Knet.Serving.Config;
using Knet.Serving.Revisions;
using Knet.Serving.Routes;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;
using YamlDotNet.Serialization;

namespace Knet.Tests.Unit.Serving;

/// <summary>
/// Cases/*.yaml: <c>given</c> (a Revision or Route, objects, config, facts) and <c>want</c> (the bodies of the plan's steps).
/// <c>UPDATE_GOLDEN=1</c> rewrites what is wanted.
/// </summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Cases =>
        [.. Directory.EnumerateFiles(Folder(), "*.yaml").Select(f => Path.GetFileNameWithoutExtension(f)!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Case_GivesItsPlan(string name)
    {
        var file = Path.Combine(Folder(), name + ".yaml");
        var text = File.ReadAllText(file);
        var document = Read(text);
        var got = Plan(document["given"]!.AsObject());
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            var head = text[..(text.IndexOf("\nwant:", StringComparison.Ordinal) + 1)];
            File.WriteAllText(file, head + "want:\n" + Write(got));
            return;
        }

        Assert.True(JsonNode.DeepEquals(document["want"], got), $"{name}: got\n{Write(got)}");
    }

    private static JsonArray Plan(JsonObject given)
    {
        var world = new World();
        foreach (var item in given["objects"]?.AsArray() ?? [])
        {
            world.Having((string?)item!["kind"] switch
            {
                "Revision" => As<KnRevision>(item),
                "Configuration" => As<KnConfiguration>(item),
                _ => throw new InvalidOperationException($"unknown kind in objects: {item["kind"]}"),
            });
        }

        foreach (var (image, digest) in given["digests"]?.AsObject() ?? [])
        {
            world.Facts[new DigestQuery(A.Namespace, image, "", "")] = new Fact<string>.Known((string)digest!);
        }

        var config = given["config"]?.AsObject() ?? [];
        world.With(NetworkConfig.Parse(Data(config["network"])))
            .With(DeploymentConfig.Parse(Data(config["deployment"])))
            .With(FeaturesConfigMap.Parse(Data(config["features"])));
        var steps = given["route"] is { } route
            ? new RouteReconciler().Reconcile(As<KnRoute>(route), world).Steps
            : new RevisionReconciler().Reconcile(As<KnRevision>(given["revision"]!).WithDefaults(ServingPolicy.Default, null), world).Steps;
        return [.. steps.Select(s => s switch
        {
            CreateStep create => JsonNode.Parse(create.Body.Span),
            ApplyStep apply => JsonNode.Parse(apply.Body.Span),
            EnsureStep ensure => JsonNode.Parse(ensure.Body.Span),
            _ => JsonValue.Create(s.ToString()),
        })];
    }

    private static Dictionary<string, string> Data(JsonNode? node) =>
        (node?.AsObject() ?? []).ToDictionary(p => p.Key, p => p.Value!.ToString());

    private static T As<T>(JsonNode node) => node.Deserialize<T>(KubeJson.Options)!;

    private static JsonObject Read(string yaml)
    {
        var value = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(yaml);
        return JsonNode.Parse(new SerializerBuilder().JsonCompatible().WithQuotingNecessaryStrings().Build().Serialize(value))!.AsObject();
    }

    // JSON is YAML: the bodies stand as indented JSON, each under a dash.
    private static string Write(JsonArray bodies)
    {
        var options = new JsonSerializerOptions(KubeJson.Options) { WriteIndented = true };
        return string.Concat(bodies.Select(b => "- " + b!.ToJsonString(options).ReplaceLineEndings("\n  ") + "\n"));
    }

    private static string Folder([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "Cases");
}
