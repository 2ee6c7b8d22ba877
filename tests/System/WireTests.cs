using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>What kubectl and others see of HTTP itself.</summary>
public sealed class WireTests(SystemPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OpenApiV2_ComesAsProtobufToWhoAsksForIt()
    {
        using var http = platform.RawApi();
        using var answer = await AskAsync(http, "openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
        Assert.Equal("application/com.github.proto-openapi.spec.v2.v1.0+protobuf", answer.Content.Headers.ContentType!.ToString());
        var bytes = await answer.Content.ReadAsByteArrayAsync(Stop);
        Assert.StartsWith("\n\u00032.0", Encoding.UTF8.GetString(bytes[..5]), StringComparison.Ordinal); // field 1: the version of swagger
        using var neither = await AskAsync(http, "openapi/v2", "text/plain");
        Assert.Equal(HttpStatusCode.NotAcceptable, neither.StatusCode);
    }

    [Fact]
    public async Task Duplicates_AreWarnedOfAndRefusedWhenStrict()
    {
        var ns = await platform.NewNamespaceAsync();
        using var http = platform.RawApi();
        const string Body = """{"metadata":{"name":"q"},"foo":1,"data":{"a":"1","a":"2"}}""";
        using var warned = await PostAsync(http, $"api/v1/namespaces/{ns}/configmaps?dryRun=All", Body);
        Assert.Equal(
            ["299 - \"duplicate field \\\"data.a\\\"\"", "299 - \"unknown field \\\"foo\\\"\""],
            warned.Headers.GetValues("Warning").SelectMany(v => v.Split(", ")));
        using var refused = await PostAsync(http, $"api/v1/namespaces/{ns}/configmaps?fieldValidation=Strict", Body);
        var status = JsonNode.Parse(await refused.Content.ReadAsStringAsync(Stop))!;
        Assert.Equal(
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\", "
            + "unknown field \"foo\"", (string)status["message"]!);
    }

    [Fact]
    public async Task MisspeltDryRun_DeletesNothing()
    {
        var ns = await platform.NewNamespaceAsync();
        await platform.Client(Via.Process).CreateAsync(A.ConfigMap(ns, "kept", "1"), Stop);
        using var http = platform.RawApi();
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"api/v1/namespaces/{ns}/configmaps/kept")
        {
            Content = new StringContent("""{"dryRun":["Foo"]}""", new MediaTypeHeaderValue("application/json")),
        };
        using var answer = await http.SendAsync(request, Stop);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.NotNull(await platform.Client(Via.Process).FindAsync<V1ConfigMap>(ns, "kept", Stop));
    }

    [Fact]
    public async Task Proxies_LeadToPodsAndToEndpointsOfServices()
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Process);
        await client.CreateAsync(
            new V1Pod
            {
                ApiVersion = "v1", Kind = "Pod", Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "p" },
                Spec = new V1PodSpec { NodeName = "elsewhere", Containers = [new V1Container { Name = "c", Image = "x" }] },
            },
            Stop);
        using var http = platform.RawApi();
        await PatchAsync(http, $"api/v1/namespaces/{ns}/pods/p/status", """{"status":{"podIP":"10.9.9.9"}}""");
        await client.CreateAsync(
            new V1Service
            {
                ApiVersion = "v1", Kind = "Service", Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "s" },
                Spec = new V1ServiceSpec { Ports = [new V1ServicePort { Name = "web", Port = 80 }] },
            },
            Stop);
        var path = $"api/v1/namespaces/{ns}";
        Assert.Equal($"GET http://10.9.9.9:81/x%20y?a=b seen at /{path}/pods/p:81/proxy", await GetAsync(http, $"{path}/pods/p:81/proxy/x%20y?a=b"));
        Assert.Contains("no endpoints available for service", await GetAsync(http, $"{path}/services/s:80/proxy/"), StringComparison.Ordinal);
        Assert.Contains("no service port 7 found", await GetAsync(http, $"{path}/services/s:7/proxy/"), StringComparison.Ordinal);

        await client.CreateAsync(Endpoints(ns, "10.9.9.8"), Stop);
        Assert.Equal(
            $"GET https://10.9.9.8:8443/ seen at /{path}/services/https:s:web/proxy", await GetAsync(http, $"{path}/services/https:s:web/proxy/"));
        using var bare = await AskAsync(http, $"{path}/services/s:80/proxy?a=b", "*/*");
        Assert.Equal((HttpStatusCode.MovedPermanently, $"/{path}/services/s:80/proxy/?a=b"), (bare.StatusCode, bare.Headers.Location!.ToString()));

        await client.UpdateAsync(Endpoints(ns, "169.254.169.254"), Stop);
        Assert.Contains("address not allowed", await GetAsync(http, $"{path}/services/s:80/proxy/"), StringComparison.Ordinal);
    }

    private static V1Endpoints Endpoints(string ns, string address) => new()
    {
        ApiVersion = "v1", Kind = "Endpoints", Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "s" },
        Subsets =
        [
            new V1EndpointSubset
            {
                Addresses = [new V1EndpointAddress { Ip = address }],
                Ports = [new Corev1EndpointPort { Name = "web", Port = 8443 }],
            },
        ],
    };

    private static async Task<HttpResponseMessage> AskAsync(HttpClient http, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await http.SendAsync(request, Stop);
    }

    private static async Task<string> GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path, Stop);
        return await answer.Content.ReadAsStringAsync(Stop);
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string path, string body) =>
        http.PostAsync(path, new StringContent(body, new MediaTypeHeaderValue("application/json")), Stop);

    private static async Task PatchAsync(HttpClient http, string path, string body)
    {
        using var answer = await http.PatchAsync(path, new StringContent(body, new MediaTypeHeaderValue("application/merge-patch+json")), Stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
