using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Http;
using Knet.ApiServer.Http.Protobuf;
using Knet.ApiServer.Http.Tables;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry.Kinds;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Http;

/// <summary>What comes in and goes out, without a server.</summary>
public sealed class WireTests
{
    [Theory]
    [InlineData("/api/v1/pods", "|v1||pods|||")]
    [InlineData("/api/v1/namespaces", "|v1||namespaces|||")]
    [InlineData("/api/v1/namespaces/a/status", "|v1||namespaces|a|status|")]
    [InlineData("/api/v1/namespaces/a/pods/p/log", "|v1|a|pods|p|log|")]
    [InlineData("/apis/apps/v1/namespaces/a/deployments/d", "apps|v1|a|deployments|d||")]
    [InlineData("/api/v1/nodes/n/proxy/stats/summary", "|v1||nodes|n|proxy|/stats/summary")]
    public void Path_NamesAResource(string path, string wanted)
    {
        var r = ApiRoute.Parse(path)!;
        Assert.Equal(wanted, string.Join('|', r.Group, r.Version, r.Namespace, r.Resource, r.Name, r.Subresource, r.Rest));
    }

    [Fact]
    public void EveryBuiltInKind_IsReadAsProtobuf() => Assert.Equal(
        ["CustomResourceDefinition", "NodeMetrics", "PodMetrics"], // the clients of the first send JSON, the others cannot be written
        BuiltInKinds.All.Where(k => MessageTable.Find(MessageTable.NameOf(k.Type.ApiVersion, k.Type.Kind)) is null).Select(k => k.Type.Kind));

    [Theory]
    [InlineData("/api/v1/nodes/n/proxy/stats/summary?a=b", 5, "/api/v1/nodes/n/proxy", "/stats/summary?a=b")]
    [InlineData("/api/v1/namespaces/a/pods/http:p:80/proxy/x%2Fy/", 7, "/api/v1/namespaces/a/pods/http:p:80/proxy", "/x%2Fy/")]
    [InlineData("/api/v1/namespaces/a/services/s/proxy?q=/", 7, "/api/v1/namespaces/a/services/s/proxy", "?q=/")]
    public void ProxiedPath_StaysAsItWasSent(string target, int segments, string prefix, string rest) =>
        Assert.Equal((prefix, rest), ApiRoute.SplitProxy(target, segments));

    [Theory]
    [InlineData("tailLines=-1", 422, "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("limitBytes=0", 422, "PodLogOptions \"p\" is invalid: limitBytes: Invalid value: 0: must be greater than 0")]
    [InlineData("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422,
        "PodLogOptions \"p\" is invalid: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified")]
    [InlineData("tailLines=x", 400, "query parameter tailLines must be a whole number, not \"x\"")]
    public void LogOptionsWithoutSense_AreRefused(string query, int code, string text)
    {
        var http = new DefaultHttpContext { Request = { QueryString = new QueryString("?" + query) } }.Request;
        var refusal = Assert.Throws<KubeException>(() => LogOptions.Check(http, "p"));
        Assert.Equal((code, text), (refusal.Code, refusal.Message));
    }

    [Theory]
    [InlineData("/api")]
    [InlineData("/apis/apps/v1")]
    [InlineData("/healthz")]
    [InlineData("/api/v1/namespaces/a/pods/p/log/more")]
    public void OtherPaths_NameNone(string path) => Assert.Null(ApiRoute.Parse(path));

    [Theory]
    [InlineData("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "Table")]
    [InlineData("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "Metadata")]
    [InlineData("application/vnd.kubernetes.protobuf,application/json", "Object")]
    [InlineData("", "Object")]
    [InlineData("application/vnd.kubernetes.protobuf", null)]
    public void Accept_ChoosesTheForm(string accept, string? form) => Assert.Equal(form, MediaRange.Choose(accept)?.ToString());

    [Fact]
    public void QuotaColumns_TellUsedOfHardApartByLimits()
    {
        var quota = JsonDocument.Parse("""
            {"status":{"hard":{"pods":"2","limits.cpu":"2","requests.cpu":"1"},"used":{"pods":"1","requests.cpu":"100m"}}}
            """).RootElement;
        var columns = TableColumns.For(BuiltInKinds.All.Single(k => k.Type.Kind == "ResourceQuota"));
        Assert.Equal(["Name", "Request", "Limit", "Age"], columns.Select(c => c.Name));
        Assert.Equal(["pods: 1/2, requests.cpu: 100m/1", "limits.cpu: 0/2"], columns.Skip(1).Take(2).Select(c => c.Cell(quota, default)));
    }

    [Fact]
    public void Yaml_BecomesJsonWithKubernetesScalars() => Assert.Equal(
        """{"a":1,"b":"1","c":true,"d":null,"e":[1.5,"x"],"f":{"g":"true"},"mode":420,"v":"1.2.3"}""",
        Encoding.UTF8.GetString(YamlBody.ToJson("a: 1\nb: \"1\"\nc: true\nd:\ne: [1.5, x]\nf: {g: 'true'}\nmode: 0644\nv: 1.2.3\n"u8)));

    [Theory]
    [InlineData("a: &x 1\nb: *x\n", "aliases")]
    [InlineData("a: 1\na: 2\n", "already set")]
    [InlineData("a: 1\n---\nb: 2\n", "more than one")]
    [InlineData("a: [1\n", "line")]
    public void Yaml_ThatWeDoNotRead_SaysWhy(string yaml, string text) => Assert.Contains(
        text, Assert.Throws<KubeException>(() => YamlBody.ToJson(Encoding.UTF8.GetBytes(yaml))).Message, StringComparison.Ordinal);

    [Fact]
    public void Duplicates_AreFoundAndTheLastCounts()
    {
        var (body, found) = DuplicateFields.Resolve(Encoding.UTF8.GetBytes("""{"a":{"b":1,"b":2},"l":[{"x":1,"x":3}]}"""));
        Assert.Equal("""{"a":{"b":2},"l":[{"x":3}]}""", Encoding.UTF8.GetString(body.Span));
        Assert.Equal(["a.b", "l[0].x"], found);
    }

    [Theory]
    [InlineData(5, "5s")]
    [InlineData(119, "119s")]
    [InlineData(121, "2m1s")]
    [InlineData(600, "10m")]
    [InlineData(3600 * 3 + 60, "3h1m")]
    [InlineData(3600 * 47, "47h")]
    [InlineData(86400 * 3, "3d")]
    [InlineData(86400 * 400, "400d")]
    [InlineData(86400 * 800, "2y70d")]
    public void Ages_ReadLikeKubectls(int seconds, string wanted) => Assert.Equal(wanted, HumanDuration.Format(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(".status.conditions[?(@.type==\"Ready\")].status", "True")]
    [InlineData(".status.conditions[?(@.type=='Ready')].reason", "Fine")]
    [InlineData(".metadata.labels.a\\.b/c", "dotted")]
    [InlineData(".metadata.labels['a\\.b/c']", "dotted")]
    [InlineData(".list[1]", "2")]
    [InlineData(".list[*]", "1 2 3")]
    [InlineData(".missing.path", "")]
    public void JsonPaths_FindWhatColumnsShow(string path, string wanted)
    {
        using var document = JsonDocument.Parse("""
            {"metadata":{"labels":{"a.b/c":"dotted"}},"list":[1,2,3],"status":{"conditions":[{"type":"X","status":"False"},
             {"type":"Ready","status":"True","reason":"Fine"}]}}
            """);
        Assert.Equal(wanted, string.Join(' ', JsonPath.Parse(path).Find(document.RootElement).Select(e => e.ToString())));
    }

    [Theory]
    [InlineData("""{"status":{"phase":"Pending"}}""", "Pending")]
    [InlineData("""{"metadata":{"deletionTimestamp":"x"},"status":{"phase":"Running"}}""", "Terminating")]
    [InlineData(
        """{"status":{"phase":"Running","containerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}""",
        "CrashLoopBackOff")]
    [InlineData(
        """{"status":{"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"reason":"Completed","exitCode":0}}}]}}""",
        "Completed")]
    [InlineData("""{"status":{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}]}}""", "ExitCode:3")]
    [InlineData(
        """{"spec":{"initContainers":[{"name":"i"}]},"status":{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}]}}""",
        "Init:0/1")]
    [InlineData("""{"status":{"phase":"Failed","reason":"Evicted"}}""", "Evicted")]
    public void PodStatus_IsTheWordUsersKnow(string pod, string wanted)
    {
        using var document = JsonDocument.Parse(pod);
        Assert.Equal(wanted, PodColumns.Status(document.RootElement));
    }

    private static V1Pod Pod(params string[] containers) => new()
    {
        Metadata = new V1ObjectMeta { Name = "p" },
        Spec = new V1PodSpec
        {
            Containers = [.. containers.Select(c => new V1Container { Name = c })], InitContainers = [new V1Container { Name = "i" }],
        },
    };

    [Fact]
    public void Container_MustBeClear()
    {
        Assert.Equal("a", PodConnections.ContainerOf(Pod("a"), null));
        Assert.Equal("i", PodConnections.ContainerOf(Pod("a"), "i"));
        Assert.Equal(
            "container z is not valid for pod p", Assert.Throws<KubeException>(() => PodConnections.ContainerOf(Pod("a"), "z")).Message);
        Assert.Equal(
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]",
            Assert.Throws<KubeException>(() => PodConnections.ContainerOf(Pod("a", "b"), "")).Message);
    }

    [Theory]
    [InlineData("log", "?follow=true&tailLines=5&container=a", "/containerLogs/n/p/a?follow=true&tailLines=5")]
    [InlineData("exec", "?command=sh&command=-c&stdin=true&stdout=true&tty=true", "/exec/n/p/a?input=1&output=1&tty=1&command=sh&command=-c")]
    public void Connection_UsesTheKubeletsNames(string subresource, string query, string wanted)
    {
        var http = new DefaultHttpContext { Request = { QueryString = new QueryString(query) } };
        Assert.Equal(wanted, PodConnections.NodePath(new("", "v1", "n", "pods", "p", subresource, ""), "a", http.Request));
    }

    [Fact]
    public void Protobuf_BecomesTheSameJson()
    {
        static byte[] Field(int number, params byte[] content) => [(byte)((number << 3) | 2), (byte)content.Length, .. content];
        static byte[] Text(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

        // A Secret: name, empty namespace (dropped), data {k: bytes}, immutable false (optional, so kept).
        byte[] raw =
        [
            .. Field(1, [.. Text(1, "s"), .. Text(3, ""), .. Field(8)]),
            .. Field(2, [.. Text(1, "k"), .. Field(2, 1, 2, 3)]),
            (5 << 3) | 0, 0,
        ];
        byte[] body = [.. "k8s\0"u8, .. Field(1, [.. Text(1, "v1"), .. Text(2, "Secret")]), .. Field(2, raw)];
        Assert.Equal(
            """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"k":"AQID"},"immutable":false}""",
            Encoding.UTF8.GetString(ProtobufBody.ToJson(body)));
        Assert.Equal(400, Assert.Throws<KubeException>(() => ProtobufBody.ToJson(body.AsSpan(0, body.Length - 3))).Code);
        Assert.Equal(415, Assert.Throws<KubeException>(() => ProtobufBody.ToJson([.. "k8s\0"u8, .. Field(1, Text(2, "Foo"))])).Code);
    }

    [Fact]
    public void ProtobufTable_FitsTheModels()
    {
        // Every field of a message is a member of the model of the same name.
        foreach (var (message, model) in new[]
        {
            ("core.PodSpec", typeof(V1PodSpec)), ("core.Container", typeof(V1Container)), ("apps.DeploymentSpec", typeof(V1DeploymentSpec)),
            ("core.ServiceSpec", typeof(V1ServiceSpec)), ("meta.ObjectMeta", typeof(V1ObjectMeta)), ("batch.JobSpec", typeof(V1JobSpec)),
        })
        {
            var members = Knet.ApiServer.Schemas.BuiltInSchemas.For(model).Properties.Keys;
            var unknown = MessageTable.Find(message)!.Values.Select(f => f.Name).Except(members).ToList();
            Assert.True(unknown.Count <= 2, $"{message}: {string.Join(' ', unknown)}");
        }
    }
}
