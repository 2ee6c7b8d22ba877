using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

/// <summary>Resource quotas, limit ranges and priority classes, as they meet new objects.</summary>
public sealed class QuotaTests
{
    private static readonly ResourceType Quotas = ResourceType.Of<V1ResourceQuota>();
    private static readonly ResourceType LimitRanges = ResourceType.Of<V1LimitRange>();
    private static readonly ResourceType Priorities = ResourceType.Of<V1PriorityClass>();

    private static string Quota(string hard, string more = "") => $$"""{"metadata":{"name":"q"},"spec":{"hard":{ {{hard}} }{{more}} } }""";

    private static string Pod(string name, string resources = "{}", string more = "") =>
        $$"""{"metadata":{"name":"{{name}}"},"spec":{ {{more}} "containers":[{"name":"c","image":"nginx","resources":{{resources}}}]} }""";

    private static string Cpu(string amount) => $$"""{"requests":{"cpu":"{{amount}}"} }""";

    private static async Task<string> RefusalAsync(Api api, ResourceType type, string json)
    {
        var refusal = await Assert.ThrowsAsync<KubeException>(() => api.CreateAsync(type, json));
        Assert.Equal((403, "Forbidden"), (refusal.Code, refusal.Reason));
        return refusal.Message;
    }

    private static async Task<JsonNode> UsedAsync(Api api) => (await api.GetAsync(Quotas, "q"))["status"]!["used"]!;

    [Fact]
    public async Task PodAboveQuota_IsRefusedInKubernetesWordsAndUsesNothing()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"cpu\":\"50m\""));
        Assert.Equal(
            "pods \"x\" is forbidden: exceeded quota: q, requested: cpu=100m, used: cpu=0, limited: cpu=50m",
            await RefusalAsync(api, Api.Pods, Pod("x", Cpu("100m"))));
        Assert.Equal("pods \"x\" is forbidden: failed quota: q: must specify cpu for: c", await RefusalAsync(api, Api.Pods, Pod("x")));
        Assert.Equal("0", (await UsedAsync(api))["cpu"]!.ToString());
    }

    [Fact]
    public async Task StatusFollowsPods_FromCreationToEndAndDeletion()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"requests.cpu\":\"1\",\"limits.memory\":\"2Gi\",\"pods\":\"3\",\"count/pods\":\"9\""));
        const string resources = """{"requests":{"cpu":"0.2"},"limits":{"memory":"512Mi"} }""";
        await api.CreateAsync(Api.Pods, Pod("a", resources));
        await api.CreateAsync(Api.Pods, Pod("b", resources));
        Assert.Equal(
            """{"count/pods":"2","limits.memory":"1Gi","pods":"2","requests.cpu":"400m"}""", (await UsedAsync(api)).ToJsonString());

        await api.PatchAsync(Api.Pods, "a", PatchKind.Merge, """{"status":{"phase":"Succeeded"} }""", "status");
        Assert.Equal(
            """{"count/pods":"2","limits.memory":"512Mi","pods":"1","requests.cpu":"200m"}""", (await UsedAsync(api)).ToJsonString());
        await api.DeleteAsync(Api.Pods, "b");
        await api.DeleteAsync(Api.Pods, "a");
        Assert.Equal("""{"count/pods":"0","limits.memory":"0","pods":"0","requests.cpu":"0"}""", (await UsedAsync(api)).ToJsonString());
    }

    [Fact]
    public async Task ManyAtOnce_ExactlyTheQuotaGetsIn()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"configmaps\":\"7\""));
        var before = (await api.ListAsync(Api.ConfigMaps)).Items.Count;
        var made = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(async () =>
        {
            try
            {
                await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap($"m{i}"));
                return 1;
            }
            catch (KubeException e) when (e.Code == 403)
            {
                return 0;
            }
        })));
        Assert.Equal(7, made.Sum() + before);
        Assert.Equal("7", (await UsedAsync(api))["configmaps"]!.ToString());
        await api.PatchAsync(Quotas, "q", PatchKind.Merge, """{"spec":{"hard":{"configmaps":"8"}}}""");
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("one-more"));
        Assert.Equal("8", (await UsedAsync(api))["configmaps"]!.ToString());
    }

    [Fact]
    public async Task DryRunAndRefusal_HoldNothing()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"count/deployments.apps\":\"1\",\"services\":\"1\""));
        var request = new KubeRequest(KubeVerb.Create, Api.Services)
        {
            Namespace = "default", DryRun = true,
            Body = Api.Bytes("""{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]} }"""),
        };
        await Assert.ThrowsAsync<KubeException>(() => api.SendAsync(request)); // kubernetes.default uses the one
        await api.PatchAsync(Quotas, "q", PatchKind.Merge, """{"spec":{"hard":{"services":"2"}}}""");
        await api.SendAsync(request);
        const string wrong = """{"metadata":{"name":"s"},"spec":{"ports":[{"port":-1}]} }""";
        await Assert.ThrowsAsync<KubeException>(() => api.CreateAsync(Api.Services, wrong));
        await api.CreateAsync(Api.Services, """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]} }""");
        Assert.Equal("""{"count/deployments.apps":"0","services":"2"}""", (await UsedAsync(api)).ToJsonString());
    }

    [Fact]
    public async Task ServiceThatBecomesALoadBalancer_IsCountedThen()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"services.nodeports\":\"0\""));
        await api.CreateAsync(Api.Services, """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]} }""");
        var refusal = await Assert.ThrowsAsync<KubeException>(
            () => api.PatchAsync(Api.Services, "s", PatchKind.Merge, """{"spec":{"type":"NodePort"} }"""));
        Assert.Equal(
            "services \"s\" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=0, "
            + "limited: services.nodeports=0",
            refusal.Message);
    }

    [Theory]
    [InlineData("Terminating", "\"activeDeadlineSeconds\":60,", "")]
    [InlineData("BestEffort", "", "\"priorityClassName\":\"system-node-critical\",\"activeDeadlineSeconds\":60,|{\"requests\":{\"cpu\":\"1\"} }")]
    [InlineData("PriorityClass", "\"priorityClassName\":\"system-node-critical\",", "")]
    public async Task Scopes_CountOnlyTheirPods(string scope, string inside, string outside)
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Quotas, Quota("\"pods\":\"0\"", $",\"scopes\":[\"{scope}\"]"));
        Assert.Contains(
            "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0", await RefusalAsync(api, Api.Pods, Pod("x", "{}", inside)));
        var parts = outside.Split('|');
        await api.CreateAsync(Api.Pods, Pod("y", parts.Length > 1 ? parts[1] : "{}", parts[0]));
    }

    [Fact]
    public async Task ScopeSelector_ChoosesPriorityClasses()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Priorities, """{"metadata":{"name":"high"},"value":1000}""");
        const string high = """{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In","values":["high"]}]}""";
        await api.CreateAsync(Quotas, Quota("\"pods\":\"0\"", ",\"scopeSelector\":" + high));
        await RefusalAsync(api, Api.Pods, Pod("x", "{}", "\"priorityClassName\":\"high\","));
        var other = await api.CreateAsync(Api.Pods, Pod("x"));
        Assert.Equal("0", other["spec"]!["priority"]!.ToString());
    }

    [Fact]
    public async Task LimitRange_FillsInAndBounds()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(LimitRanges, """
            {"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","max":{"cpu":"1"},"min":{"cpu":"100m"},"default":{"cpu":"500m"},
            "defaultRequest":{"cpu":"200m","memory":"64Mi"}}]}}
            """);
        var pod = await api.CreateAsync(Api.Pods, Pod("x"));
        Assert.Equal(
            """{"limits":{"cpu":"500m"},"requests":{"cpu":"200m","memory":"64Mi"}}""",
            pod["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        Assert.Equal("Burstable", pod["status"]!["qosClass"]!.ToString());
        Assert.Equal(
            "LimitRanger plugin set: cpu limit for container c; cpu, memory request for container c",
            pod["metadata"]!["annotations"]!["kubernetes.io/limit-ranger"]!.ToString());
        Assert.Equal(
            "pods \"y\" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, "
            + "maximum cpu usage per Container is 1, but limit is 2]",
            await RefusalAsync(api, Api.Pods, Pod("y", """{"requests":{"cpu":"50m"},"limits":{"cpu":"2"} }""")));
    }

    [Fact]
    public async Task RuntimeClass_MustBeThereAndOfThisNode()
    {
        await using var api = await Api.StartAsync();
        var classes = ResourceType.Of<V1RuntimeClass>();
        await api.CreateAsync(classes, """{"metadata":{"name":"usual"},"handler":"crun"}""");
        await api.CreateAsync(classes, """{"metadata":{"name":"vm"},"handler":"kata"}""");
        await api.CreateAsync(Api.Pods, Pod("a", "{}", "\"runtimeClassName\":\"usual\","));
        Assert.Equal(
            "pods \"b\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found",
            await RefusalAsync(api, Api.Pods, Pod("b", "{}", "\"runtimeClassName\":\"gvisor\",")));
        Assert.Contains(
            "has the handler \"kata\", which the node does not know",
            await RefusalAsync(api, Api.Pods, Pod("b", "{}", "\"runtimeClassName\":\"vm\",")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PriorityClass_GivesItsValue()
    {
        await using var api = await Api.StartAsync();
        var critical = await api.CreateAsync(Api.Pods, Pod("a", "{}", "\"priorityClassName\":\"system-node-critical\","));
        Assert.Equal("2000001000", critical["spec"]!["priority"]!.ToString());
        await api.CreateAsync(Priorities, """{"metadata":{"name":"usual"},"value":5,"globalDefault":true,"preemptionPolicy":"Never"}""");
        var usual = await api.CreateAsync(Api.Pods, Pod("b"));
        Assert.Equal(("usual", "5", "Never"), (
            usual["spec"]!["priorityClassName"]!.ToString(), usual["spec"]!["priority"]!.ToString(), usual["spec"]!["preemptionPolicy"]!.ToString()));
        Assert.Equal(
            "pods \"c\" is forbidden: no PriorityClass with name none was found",
            await RefusalAsync(api, Api.Pods, Pod("c", "{}", "\"priorityClassName\":\"none\",")));
    }
}
