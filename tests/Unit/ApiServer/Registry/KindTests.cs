using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

public sealed class KindTests
{
    private const string Crd = """
        {"metadata":{"name":"things.x.io"},"spec":{"group":"x.io","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},
         "versions":[
          {"name":"v1","served":true,"storage":true,
           "subresources":{"status":{},"scale":{"specReplicasPath":".spec.n","statusReplicasPath":".status.n"}},
           "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","required":["a"],
             "properties":{"a":{"type":"string"},"n":{"type":"integer","default":2}}},
             "status":{"type":"object","properties":{"n":{"type":"integer"}}}}}}},
          {"name":"v2","served":true,"storage":false,"subresources":{"status":{}},
           "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """;

    private static readonly ResourceType Things = new("x.io", "v1", "things", "Thing", true);

    [Fact]
    public async Task Crd_IsServedWhenAcknowledged_AndTakesItsObjectsAlong()
    {
        await using var api = await Api.StartAsync();
        var crd = await api.CreateAsync(Api.Crds, Crd);
        Assert.Contains(crd["status"]!["conditions"]!.AsArray(), c => c!["type"]!.ToString() == "Established" && c["status"]!.ToString() == "True");
        Assert.Equal("""["v1"]""", crd["status"]!["storedVersions"]!.ToJsonString());

        var made = await api.CreateAsync(Things, """{"metadata":{"name":"t"},"spec":{"a":"x","b":1},"status":{"n":1}}""");
        Assert.Equal("""{"a":"x","n":2}""", made["spec"]!.ToJsonString());
        Assert.Null(made["status"]);
        Assert.Equal("x.io/v2", (await api.GetAsync(Things with { Version = "v2" }, "t"))["apiVersion"]!.ToString());
        Assert.Equal("2", (await api.GetAsync(Things, "t", subresource: "scale"))["spec"]!["replicas"]!.ToString());
        var invalid = await RegistryTests.Refused(() => api.CreateAsync(Things, """{"metadata":{"name":"u"},"spec":{}}"""));
        Assert.Equal("Thing.x.io \"u\" is invalid: spec.a: Required value", invalid.Message);

        await api.DeleteAsync(Api.Crds, "things.x.io");
        await api.WaitGoneAsync(Api.Crds, "things.x.io", "");
        Assert.Equal(404, (await RegistryTests.Refused(() => api.GetAsync(Things, "t"))).Code);
    }

    [Fact]
    public async Task CustomUpdate_NeedsAVersion_AndCountsSpecOnly()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Crds, Crd);
        var made = await api.CreateAsync(Things, """{"metadata":{"name":"t"},"spec":{"a":"x"}}""");
        made["status"] = new System.Text.Json.Nodes.JsonObject { ["n"] = 4 };
        var status = await api.UpdateAsync(Things, made, "status");
        Assert.Equal(("1", "4"), (status["metadata"]!["generation"]!.ToString(), status["status"]!["n"]!.ToString()));
        status["metadata"]!["labels"] = new System.Text.Json.Nodes.JsonObject { ["l"] = "1" };
        var labelled = await api.UpdateAsync(Things, status.DeepClone().AsObject());
        Assert.Equal("1", labelled["metadata"]!["generation"]!.ToString());
        labelled["metadata"]!.AsObject().Remove("resourceVersion");
        Assert.Contains("must be specified for an update", (await RegistryTests.Refused(() => api.UpdateAsync(Things, labelled))).Message);
    }

    [Fact]
    public async Task Pod_GetsKubernetesDefaultsAndItsToken()
    {
        await using var api = await Api.StartAsync();
        var spec = (await api.CreateAsync(Api.Pods, Api.Pod("p")))["spec"]!;
        var container = spec["containers"]![0]!;
        Assert.Equal(("Always", "ClusterFirst", "30", "default", "Always", "/dev/termination-log"), (
            spec["restartPolicy"]!.ToString(), spec["dnsPolicy"]!.ToString(), spec["terminationGracePeriodSeconds"]!.ToString(),
            spec["serviceAccountName"]!.ToString(), container["imagePullPolicy"]!.ToString(), container["terminationMessagePath"]!.ToString()));
        Assert.StartsWith("kube-api-access-", spec["volumes"]![0]!["name"]!.ToString());
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount", container["volumeMounts"]![0]!["mountPath"]!.ToString());

        var changed = await RegistryTests.Refused(() => api.PatchAsync(Api.Pods, "p", PatchKind.Merge, """{"spec":{"restartPolicy":"Never"}}"""));
        Assert.StartsWith("Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than", changed.Message);
        await api.PatchAsync(Api.Pods, "p", PatchKind.Strategic, """{"spec":{"containers":[{"name":"c","image":"nginx:2"}]}}""");
    }

    [Fact]
    public async Task Node_AdoptsAPodWithItsIdentity()
    {
        await using var api = await Api.StartAsync();
        var node = api.As(new KubeUser("system:node:n", ["system:nodes"]));
        var pod = await node.CreateAsync(
            Api.Pods,
            """
            {"metadata":{"name":"p","uid":"0a0a","creationTimestamp":"2025-01-01T00:00:00Z"},
             "spec":{"nodeName":"n","containers":[{"name":"c","image":"a"}]},"status":{"phase":"Running","podIP":"10.0.0.9"}}
            """);
        Assert.Equal(("0a0a", "Running"), (pod["metadata"]!["uid"]!.ToString(), pod["status"]!["phase"]!.ToString()));
    }

    [Fact]
    public async Task Service_KeepsItsAddressAndGetsPorts()
    {
        await using var api = await Api.StartAsync();
        Assert.Equal("10.43.0.1", (await api.GetAsync(Api.Services, "kubernetes"))["spec"]!["clusterIP"]!.ToString());
        var made = await api.CreateAsync(Api.Services, """{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}""");
        Assert.InRange(int.Parse(made["spec"]!["ports"]![0]!["nodePort"]!.ToString()), 30000, 32767);
        made["spec"]!.AsObject().Remove("clusterIP");
        made["spec"]!.AsObject().Remove("clusterIPs");
        var same = await api.UpdateAsync(Api.Services, made);
        made["spec"]!["clusterIP"] = "10.43.9.9";
        var moved = await RegistryTests.Refused(() => api.UpdateAsync(Api.Services, made));
        Assert.Contains("may not change once set", moved.Message);
        Assert.NotNull(same["spec"]!["clusterIP"]);
        var headless = await api.CreateAsync(Api.Services, """{"metadata":{"name":"h"},"spec":{"clusterIP":"None","ports":[{"port":80}]}}""");
        Assert.Equal("""["None"]""", headless["spec"]!["clusterIPs"]!.ToJsonString());
    }

    [Fact]
    public async Task Secret_TakesPlainText()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(ResourceType.Of<V1Secret>(), """{"metadata":{"name":"s"},"stringData":{"k":"v"}}""");
        Assert.Equal(("Opaque", "dg==", false), (made["type"]!.ToString(), made["data"]!["k"]!.ToString(), made.ContainsKey("stringData")));
    }

    [Fact]
    public async Task BuiltInKinds_HaveSchemasOfTheirModels()
    {
        await using var api = await Api.StartAsync();
        Assert.Equal([], api.Core.Registry.Kinds.All.Where(k => k.Schema?.Value is null).Select(k => k.Type.ToString()));
    }
}
