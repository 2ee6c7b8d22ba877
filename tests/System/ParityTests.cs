using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Whatever is asked, and however wrongly, both ways to the API answer the same: code, reason, sentence, warnings and object.</summary>
public sealed partial class ParityTests(SystemPlatform platform)
{
    private static readonly ResourceType Maps = ResourceType.Of<V1ConfigMap>();
    private static readonly ResourceType Deployments = ResourceType.Of<V1Deployment>();
    private static readonly ResourceType Services = ResourceType.Of<KnService>();

    private static readonly Dictionary<string, KubeRequest> Cases = new()
    {
        ["get"] = new(KubeVerb.Get, Maps) { Name = "seed" },
        ["get missing"] = new(KubeVerb.Get, Maps) { Name = "none" },
        ["get missing custom"] = new(KubeVerb.Get, Services) { Name = "none" },
        ["get odd name"] = new(KubeVerb.Get, Maps) { Name = "a b?c" },
        ["unknown kind"] = new(KubeVerb.Get, new ResourceType("none.example", "v1", "nones", "None", true)) { Name = "x" },
        ["unknown subresource"] = new(KubeVerb.Get, Maps) { Name = "seed", Subresource = "scale" },
        ["create"] = new(KubeVerb.Create, Maps) { Body = Map("fresh") },
        ["create generated"] = new(KubeVerb.Create, Maps) { Body = Map("g-", "generateName") },
        ["create existing"] = new(KubeVerb.Create, Maps) { Body = Map("seed") },
        ["create without name"] = new(KubeVerb.Create, Maps) { Body = Json("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}""") },
        ["create with bad name"] = new(KubeVerb.Create, Maps) { Body = Map("Not_Allowed") },
        ["create other kind"] = new(KubeVerb.Create, Maps) { Body = Json("""{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}""") },
        ["create no JSON"] = new(KubeVerb.Create, Maps) { Body = Json("{") },
        ["create nothing"] = new(KubeVerb.Create, Maps),
        ["create wrong type"] = new(KubeVerb.Create, Maps)
        {
            Body = Json("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":5}"""),
        },
        ["unknown field, warn"] = new(KubeVerb.Create, Deployments) { Body = Odd(), FieldValidation = "Warn", DryRun = true },
        ["unknown field, strict"] = new(KubeVerb.Create, Deployments) { Body = Odd(), FieldValidation = "Strict" },
        ["invalid deployment"] = new(KubeVerb.Create, Deployments)
        {
            Body = Json("""{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"x"},"spec":{"replicas":-1}}"""),
        },
        ["dry run"] = new(KubeVerb.Create, Maps) { Body = Map("dry"), DryRun = true },
        ["update missing"] = new(KubeVerb.Update, Maps) { Name = "none", Body = Map("none") },
        ["update other name"] = new(KubeVerb.Update, Maps) { Name = "seed", Body = Map("other") },
        ["JSON patch"] = new(KubeVerb.Patch, Maps)
        {
            Name = "seed", Patch = PatchKind.Json, Body = Json("""[{"op":"add","path":"/data/x","value":"y"}]"""),
        },
        ["JSON patch that fails"] = new(KubeVerb.Patch, Maps)
        {
            Name = "seed", Patch = PatchKind.Json, Body = Json("""[{"op":"test","path":"/data/key","value":"other"}]"""),
        },
        ["merge patch"] = new(KubeVerb.Patch, Maps) { Name = "seed", Patch = PatchKind.Merge, Body = Json("""{"data":{"key":null}}""") },
        ["patch missing"] = new(KubeVerb.Patch, Maps) { Name = "none", Patch = PatchKind.Merge, Body = Json("{}") },
        ["strategic patch"] = new(KubeVerb.Patch, Maps) { Name = "seed", Patch = PatchKind.Strategic, Body = Json("""{"data":{"key":"z"}}""") },
        ["strategic patch of custom kind"] = new(KubeVerb.Patch, Services) { Name = "none", Patch = PatchKind.Strategic, Body = Json("{}") },
        ["apply without manager"] = new(KubeVerb.Patch, Maps) { Name = "made", Patch = PatchKind.Apply, Body = Map("made"), FieldManager = "" },
        ["apply"] = new(KubeVerb.Patch, Maps) { Name = "made", Patch = PatchKind.Apply, Body = Map("made"), FieldManager = "me" },
        ["delete"] = new(KubeVerb.Delete, Maps) { Name = "seed" },
        ["delete missing"] = new(KubeVerb.Delete, Maps) { Name = "none" },
        ["delete another"] = new(KubeVerb.Delete, Maps)
        {
            Name = "seed", DeleteOptions = new V1DeleteOptions { Preconditions = new V1Preconditions { Uid = "no-such-uid" } },
        },
        ["scale of missing"] = new(KubeVerb.Get, Deployments) { Name = "none", Subresource = "scale" },
        ["token of missing"] = new(KubeVerb.Create, ResourceType.Of<V1ServiceAccount>())
        {
            Name = "none", Subresource = "token", Body = Json("""{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}"""),
        },
        ["list"] = new(KubeVerb.List, Maps) { LabelSelector = "app in (a,b)", FieldSelector = "metadata.name=seed" },
        ["list with bad labels"] = new(KubeVerb.List, Maps) { LabelSelector = "a in b" },
        ["list with bad fields"] = new(KubeVerb.List, Maps) { FieldSelector = "spec.none=1" },
        ["list with bad continue"] = new(KubeVerb.List, Maps) { Limit = 1, Continue = "???" },
        ["list with bad version"] = new(KubeVerb.List, Maps) { ResourceVersion = "abc" },
        ["list with bad match"] = new(KubeVerb.List, Maps) { ResourceVersion = "1", ResourceVersionMatch = "Roughly" },
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task BothWays_AnswerTheSame(string name)
    {
        var inProcess = await AnswerAsync(Via.Process, Cases[name]);
        var overHttps = await AnswerAsync(Via.Https, Cases[name]);
        Assert.Equal(inProcess, overHttps);
    }

    private static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Map(string name, string member = "name") => Json(
        $$$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"{{{member}}}":"{{{name}}}","labels":{"app":"a"}},"data":{"key":"v"}}""");

    private static byte[] Odd()
    {
        var deployment = JsonNode.Parse(KubeJson.Serialize(A.Deployment("", "odd", 1, "dev.local/x:v1")))!;
        deployment["metadata"]!.AsObject().Remove("namespace");
        deployment["spec"]!["colour"] = "blue";
        return Json(deployment.ToJsonString());
    }

    private async Task<string> AnswerAsync(Via via, KubeRequest request)
    {
        var stop = TestContext.Current.CancellationToken;
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(via);
        await client.Transport.SendAsync(new KubeRequest(KubeVerb.Create, Maps) { Namespace = ns, Body = Map("seed") }, stop);
        request = request with { Namespace = ns };
        try
        {
            if (request.Verb == KubeVerb.List)
            {
                var page = await client.Transport.ListAsync(request, stop);
                // The namespace controller publishes the CA there some time or other.
                return string.Join('\n', page.Items.Where(i => i.Metadata.Name != "kube-root-ca.crt").Select(i => Neutral(i, ns)));
            }

            var answer = await client.Transport.SendAsync(request, stop);
            return $"{answer.Code} {string.Join('|', answer.Warnings ?? [])} {Neutral(answer.Document, ns)}";
        }
        catch (KubeException refusal)
        {
            var details = refusal.Status.Details is { } d ? Encoding.UTF8.GetString(KubeJson.Serialize(d)) : "";
            var all = $"{refusal.Code} {refusal.Reason}: {refusal.Message} {details}";
            return Uid().Replace(all, "UID").Replace(ns, "NS", StringComparison.Ordinal);
        }
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f-]{27}")]
    private static partial Regex Uid();

    /// <summary>An object without what differs by chance: times, ids, versions and managers.</summary>
    private static string Neutral(KubeDocument document, string ns)
    {
        var json = JsonNode.Parse(document.Json.Span)!.AsObject();
        if (json["metadata"] is JsonObject metadata)
        {
            foreach (var member in new[] { "uid", "resourceVersion", "creationTimestamp", "managedFields" })
            {
                metadata.Remove(member);
            }

            if (metadata["generateName"] is not null)
            {
                metadata.Remove("name");
            }
        }

        (json["details"] as JsonObject)?.Remove("uid");
        return json.ToJsonString().Replace(ns, "NS", StringComparison.Ordinal);
    }
}
