using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

public sealed class DeletionTests
{
    [Fact]
    public async Task EvictionThatIsADryRun_EvictsNobody()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Pods, Api.Pod("p"));
        Task EvictAsync(string options) => api.SendAsync(new KubeRequest(KubeVerb.Create, Api.Pods)
        {
            Namespace = "default", Name = "p", Subresource = "eviction",
            Body = Api.Bytes($$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":{{options}} }"""),
        });
        await EvictAsync("""{"dryRun":["All"]}""");
        Assert.True(await api.ExistsAsync(Api.Pods, "p"));
        await EvictAsync("{}");
        Assert.False(await api.ExistsAsync(Api.Pods, "p"));
    }

    [Fact]
    public async Task Deletion_AnswersWithDetailsAndChecksPreconditions()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"));
        var wrong = new V1DeleteOptions { Preconditions = new V1Preconditions { Uid = "other" } };
        Assert.Equal(409, (await RegistryTests.Refused(() => api.DeleteAsync(Api.ConfigMaps, "c", wrong))).Code);
        var status = await api.DeleteAsync(Api.ConfigMaps, "c");
        Assert.Equal(("Success", "configmaps", made["metadata"]!["uid"]!.ToString()), (
            status["status"]!.ToString(), status["details"]!["kind"]!.ToString(), status["details"]!["uid"]!.ToString()));
        Assert.False(await api.ExistsAsync(Api.ConfigMaps, "c"));
    }

    [Fact]
    public async Task Finalizers_HoldTheObjectUntilTheLastIsGone()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.ConfigMaps, """{"metadata":{"name":"c","finalizers":["a.io/x"]}}""");
        var marked = await api.DeleteAsync(Api.ConfigMaps, "c");
        Assert.Equal("2026-01-02T03:04:05Z", marked["metadata"]!["deletionTimestamp"]!.ToString());
        var more = await RegistryTests.Refused(() => api.PatchAsync(
            Api.ConfigMaps, "c", PatchKind.Merge, """{"metadata":{"finalizers":["a.io/x","b.io/y"]}}"""));
        Assert.Equal(422, more.Code);
        await api.PatchAsync(Api.ConfigMaps, "c", PatchKind.Merge, """{"metadata":{"finalizers":null}}""");
        Assert.False(await api.ExistsAsync(Api.ConfigMaps, "c"));
    }

    [Fact]
    public async Task RunningPod_GetsItsGrace_UnscheduledGoesAtOnce()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Pods, Api.Pod("waiting"));
        await api.DeleteAsync(Api.Pods, "waiting");
        Assert.False(await api.ExistsAsync(Api.Pods, "waiting"));

        await api.CreateAsync(Api.Pods, """{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"a"}]}}""");
        var marked = await api.DeleteAsync(Api.Pods, "p");
        Assert.Equal(("30", "2026-01-02T03:04:35Z"), (
            marked["metadata"]!["deletionGracePeriodSeconds"]!.ToString(), marked["metadata"]!["deletionTimestamp"]!.ToString()));
        var sooner = await api.DeleteAsync(Api.Pods, "p", new V1DeleteOptions { GracePeriodSeconds = 5 });
        Assert.Equal("2026-01-02T03:04:10Z", sooner["metadata"]!["deletionTimestamp"]!.ToString());
        Assert.True(await api.ExistsAsync(Api.Pods, "p"));
        await api.DeleteAsync(Api.Pods, "p", new V1DeleteOptions { GracePeriodSeconds = 0 });
        Assert.False(await api.ExistsAsync(Api.Pods, "p"));
    }

    [Fact]
    public async Task OwnerGone_DependentsFollow()
    {
        await using var api = await Api.StartAsync();
        var owner = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("owner"));
        await api.CreateAsync(Api.ConfigMaps, Owned("child", owner));
        var child = await api.GetAsync(Api.ConfigMaps, "child");
        await api.CreateAsync(Api.ConfigMaps, Owned("grandchild", child));
        await api.DeleteAsync(Api.ConfigMaps, "owner");
        await api.WaitGoneAsync(Api.ConfigMaps, "grandchild");
        Assert.False(await api.ExistsAsync(Api.ConfigMaps, "child"));
    }

    [Fact]
    public async Task OwnerNeverThere_ObjectIsCollected()
    {
        await using var api = await Api.StartAsync();
        var missing = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "no", ["uid"] = "11111111-2222" } };
        await api.CreateAsync(Api.ConfigMaps, Owned("child", missing));
        await api.WaitGoneAsync(Api.ConfigMaps, "child");
    }

    [Fact]
    public async Task ForegroundDeletion_WaitsForBlockingDependents()
    {
        await using var api = await Api.StartAsync();
        var owner = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("owner"));
        await api.CreateAsync(Api.ConfigMaps, Owned("child", owner, "\"finalizers\":[\"a.io/x\"],"));
        await api.DeleteAsync(Api.ConfigMaps, "owner", new V1DeleteOptions { PropagationPolicy = "Foreground" });
        await api.WatchUntilAsync(
            new KubeRequest(KubeVerb.List, Api.ConfigMaps) { Namespace = "default", FieldSelector = "metadata.name=child", ResourceVersion = "0" },
            seen => seen[^1].Document.Metadata.DeletionTimestamp is not null);
        Assert.True(await api.ExistsAsync(Api.ConfigMaps, "owner"));
        await api.PatchAsync(Api.ConfigMaps, "child", PatchKind.Merge, """{"metadata":{"finalizers":null}}""");
        await api.WaitGoneAsync(Api.ConfigMaps, "owner");
    }

    [Fact]
    public async Task Orphaning_TakesTheReferenceAway()
    {
        await using var api = await Api.StartAsync();
        var owner = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("owner"));
        await api.CreateAsync(Api.ConfigMaps, Owned("child", owner));
        await api.DeleteAsync(Api.ConfigMaps, "owner", new V1DeleteOptions { PropagationPolicy = "Orphan" });
        await api.WaitGoneAsync(Api.ConfigMaps, "owner");
        Assert.Null((await api.GetAsync(Api.ConfigMaps, "child"))["metadata"]!["ownerReferences"]);
    }

    [Fact]
    public async Task Namespace_EndsWithItsFinalizer_AndTakesNothingNew()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Namespaces, """{"metadata":{"name":"n"}}""");
        Assert.True(await api.ExistsAsync(Knet.Api.Meta.ResourceType.Of<V1ServiceAccount>(), "default", "n"));
        var ns = await api.DeleteAsync(Api.Namespaces, "n");
        Assert.Equal("Terminating", ns["status"]!["phase"]!.ToString());
        var refusal = await RegistryTests.Refused(() => api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"), "n"));
        Assert.Equal(
            (403, "configmaps \"c\" is forbidden: unable to create new content in namespace n because it is being terminated"),
            (refusal.Code, refusal.Message));
        ns["spec"] = new JsonObject();
        await api.UpdateAsync(Api.Namespaces, ns, "finalize");
        Assert.Equal(404, (await RegistryTests.Refused(() => api.GetAsync(Api.Namespaces, "n"))).Code);
    }

    [Fact]
    public async Task DeleteCollection_TakesWhatTheSelectorMatches()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("a", "\"x\":\"1\""));
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("b"));
        await api.SendAsync(new KubeRequest(KubeVerb.DeleteCollection, Api.ConfigMaps) { Namespace = "default", LabelSelector = "x" });
        Assert.False(await api.ExistsAsync(Api.ConfigMaps, "a"));
        Assert.True(await api.ExistsAsync(Api.ConfigMaps, "b"));
    }

    [Fact]
    public async Task Restart_KeepsWhatUsersWroteAndForgetsWhatOwnersMakeAgain()
    {
        var directory = Directory.CreateTempSubdirectory("knet-core-").FullName;
        var controller = KubeUser.ServiceAccount("kube-system", "replicaset-controller");
        try
        {
            await using (var api = await Api.StartAsync(o => o with { DataDirectory = directory }))
            {
                var set = await api.CreateAsync(Api.ReplicaSets, RegistryTests.Deployment("web"));
                await api.As(controller).CreateAsync(Api.Pods, Owned("web-1", set, "", "ReplicaSet", "apps/v1", Api.Pod("web-1")));
                await api.PatchAsync(Api.Pods, "web-1", PatchKind.Merge, """{"metadata":{"labels":{"a":"b"}}}""");
                await api.CreateAsync(Api.Pods, Api.Pod("mine"));
                await api.CreateAsync(Api.Services, """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
            }

            await using var again = await Api.StartAsync(o => o with { DataDirectory = directory });
            Assert.Equal(["mine"], (await again.ListAsync(Api.Pods)).Items.Select(i => i.Key.Name));
            var taken = (await again.GetAsync(Api.Services, "s"))["spec"]!["clusterIP"]!.ToString();
            var clash = await RegistryTests.Refused(() => again.CreateAsync(
                Api.Services, $$$"""{"metadata":{"name":"t"},"spec":{"clusterIP":"{{{taken}}}","ports":[{"port":80}]} }"""));
            Assert.Contains("provided IP is already allocated", clash.Message);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Owned(
        string name, JsonObject owner, string more = "", string kind = "ConfigMap", string version = "v1", string? value = null)
    {
        var made = JsonNode.Parse(value ?? Api.ConfigMap(name))!;
        var metadata = JsonNode.Parse($$"""{ {{more}} "name":"{{name}}"}""")!;
        metadata["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = version, ["kind"] = kind, ["name"] = owner["metadata"]!["name"]!.ToString(),
            ["uid"] = owner["metadata"]!["uid"]!.ToString(), ["controller"] = true, ["blockOwnerDeletion"] = true,
        });
        made["metadata"] = metadata;
        return made.ToJsonString();
    }
}
