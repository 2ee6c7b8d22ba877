using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Time.Testing;

namespace Knet.Tests.Unit.ApiServer.Registry;

/// <summary>An API server in memory and short ways to call it.</summary>
internal sealed class Api : IAsyncDisposable
{
    public static readonly ResourceType Pods = ResourceType.Of<V1Pod>();
    public static readonly ResourceType ConfigMaps = ResourceType.Of<V1ConfigMap>();
    public static readonly ResourceType Services = ResourceType.Of<V1Service>();
    public static readonly ResourceType Deployments = ResourceType.Of<V1Deployment>();
    public static readonly ResourceType ReplicaSets = ResourceType.Of<V1ReplicaSet>();
    public static readonly ResourceType Namespaces = ResourceType.Of<V1Namespace>();
    public static readonly ResourceType Crds = ResourceType.Of<V1CustomResourceDefinition>();

    private readonly ApiServerCore _core;

    private Api(ApiServerCore core, FakeTimeProvider time)
    {
        _core = core;
        Time = time;
    }

    public FakeTimeProvider Time { get; }
    public ApiServerCore Core => _core;
    public KubeUser User { get; init; } = ApiServerCore.System;

    public static async Task<Api> StartAsync(Func<ApiServerOptions, ApiServerOptions>? change = null)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var options = new ApiServerOptions { Time = time };
        return new Api(await ApiServerCore.StartAsync(change?.Invoke(options) ?? options, CancellationToken.None), time);
    }

    public Api As(KubeUser user) => new(_core, Time) { User = user };

    public ValueTask DisposeAsync() => _core.DisposeAsync();

    public Task<KubeResult> SendAsync(KubeRequest request) => _core.Registry.SendAsync(request, User, CancellationToken.None);

    public async Task<JsonObject> CreateAsync(ResourceType type, string json, string ns = "default") => Read(
        await SendAsync(new KubeRequest(KubeVerb.Create, type) { Namespace = type.Namespaced ? ns : "", Body = Bytes(json) }));

    public async Task<JsonObject> GetAsync(ResourceType type, string name, string ns = "default", string subresource = "") => Read(
        await SendAsync(new KubeRequest(KubeVerb.Get, type) { Namespace = type.Namespaced ? ns : "", Name = name, Subresource = subresource }));

    public async Task<JsonObject> UpdateAsync(ResourceType type, JsonObject value, string subresource = "") => Read(
        await SendAsync(new KubeRequest(KubeVerb.Update, type)
        {
            Namespace = value["metadata"]!["namespace"]?.ToString() ?? "", Name = value["metadata"]!["name"]!.ToString(),
            Body = Bytes(value.ToJsonString()), Subresource = subresource,
        }));

    public async Task<JsonObject> PatchAsync(
        ResourceType type, string name, PatchKind kind, string patch, string subresource = "", string ns = "default") => Read(
        await SendAsync(new KubeRequest(KubeVerb.Patch, type)
        {
            Namespace = type.Namespaced ? ns : "", Name = name, Patch = kind, Body = Bytes(patch), Subresource = subresource,
            FieldManager = "test",
        }));

    public async Task<JsonObject> DeleteAsync(ResourceType type, string name, V1DeleteOptions? options = null, string ns = "default") =>
        Read(await SendAsync(new KubeRequest(KubeVerb.Delete, type) { Namespace = type.Namespaced ? ns : "", Name = name, DeleteOptions = options }));

    public Task<KubeListPage> ListAsync(ResourceType type, Func<KubeRequest, KubeRequest>? change = null, string ns = "default")
    {
        var request = new KubeRequest(KubeVerb.List, type) { Namespace = ns };
        return _core.Registry.ListAsync(change?.Invoke(request) ?? request, User, CancellationToken.None);
    }

    public async Task<bool> ExistsAsync(ResourceType type, string name, string ns = "default") =>
        (await ListAsync(type, r => r with { FieldSelector = "metadata.name=" + name }, ns)).Items.Count > 0;

    /// <summary>Watches until the condition on the events seen so far holds.</summary>
    public async Task<List<KubeWatchEvent>> WatchUntilAsync(KubeRequest request, Func<List<KubeWatchEvent>, bool> done)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var seen = new List<KubeWatchEvent>();
        await foreach (var change in _core.Registry.WatchAsync(request, User, limit.Token))
        {
            seen.Add(change);
            if (done(seen))
            {
                break;
            }
        }

        return seen;
    }

    /// <summary>Waits until an object is gone, by its watch.</summary>
    public async Task WaitGoneAsync(ResourceType type, string name, string ns = "default")
    {
        var page = await ListAsync(type, r => r with { FieldSelector = "metadata.name=" + name }, ns);
        if (page.Items.Count > 0)
        {
            var request = new KubeRequest(KubeVerb.List, type)
            {
                Namespace = type.Namespaced ? ns : "", FieldSelector = "metadata.name=" + name, ResourceVersion = page.ResourceVersion,
            };
            await WatchUntilAsync(request, seen => seen[^1].Type == WatchEventType.Deleted);
        }
    }

    public static byte[] Bytes(string json) => Encoding.UTF8.GetBytes(json);

    public static JsonObject Read(KubeResult result) => Json(result.Document);

    public static JsonObject Json(KubeDocument document) => JsonNode.Parse(document.Json.Span)!.AsObject();

    public static string Pod(string name, string more = "") =>
        $$"""{"metadata":{"name":"{{name}}"{{more}}},"spec":{"containers":[{"name":"c","image":"nginx"}]} }""";

    public static string ConfigMap(string name, string labels = "") =>
        $$"""{"metadata":{"name":"{{name}}","labels":{ {{labels}} } },"data":{"a":"b"} }""";
}
