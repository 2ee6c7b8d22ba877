using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Auth;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

public sealed class RegistryTests
{
    [Fact]
    public async Task Create_FillsMetadataAndRefusesASecond()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(Api.Deployments, Deployment("web"));
        Assert.Equal("2026-01-02T03:04:05Z", made["metadata"]!["creationTimestamp"]!.ToString());
        Assert.Equal("1", made["metadata"]!["generation"]!.ToString());
        Assert.True(Guid.TryParse(made["metadata"]!["uid"]!.ToString(), out _));
        Assert.Equal("25%", made["spec"]!["strategy"]!["rollingUpdate"]!["maxSurge"]!.ToString());

        var again = await Refused(() => api.CreateAsync(Api.Deployments, Deployment("web")));
        Assert.Equal((409, "AlreadyExists", "deployments.apps \"web\" already exists"), (again.Code, again.Reason, again.Message));
        Assert.Equal(("apps", "deployments"), (again.Status.Details.Group, again.Status.Details.Kind));
    }

    [Fact]
    public async Task GenerateName_AddsFiveCharacters()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(Api.ConfigMaps, """{"metadata":{"generateName":"x-"}}""");
        Assert.Matches("^x-[bcdfghjklmnpqrstvwxz2456789]{5}$", made["metadata"]!["name"]!.ToString());
    }

    [Fact]
    public async Task Errors_AreKubernetesTexts()
    {
        await using var api = await Api.StartAsync();
        Assert.Equal("pods \"x\" not found", (await Refused(() => api.GetAsync(Api.Pods, "x"))).Message);
        Assert.Equal("namespaces \"no\" not found", (await Refused(() => api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"), "no"))).Message);
        var invalid = await Refused(() => api.CreateAsync(Api.Deployments, """{"metadata":{"name":"x"},"spec":{"template":{}}}"""));
        Assert.Equal((422, "Invalid"), (invalid.Code, invalid.Reason));
        Assert.StartsWith("Deployment.apps \"x\" is invalid: [spec.selector: Required value, ", invalid.Message);
        Assert.Contains(invalid.Status.Details.Causes, c => c is { Reason: "FieldValueRequired", Field: "spec.selector", Message: "Required value" });
        var type = await Refused(() => api.CreateAsync(Api.Deployments, """{"metadata":{"name":"x"},"spec":{"replicas":"many"}}"""));
        Assert.Equal(400, type.Code);
    }

    [Fact]
    public async Task Update_ChecksVersionAndCountsGeneration()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(Api.Deployments, Deployment("web"));
        var same = await api.UpdateAsync(Api.Deployments, made.DeepClone().AsObject());
        Assert.Equal(made["metadata"]!["resourceVersion"]!.ToString(), same["metadata"]!["resourceVersion"]!.ToString());

        var wanted = made.DeepClone().AsObject();
        wanted["spec"]!["replicas"] = 3;
        wanted["status"] = new JsonObject { ["replicas"] = 9 };
        wanted["metadata"]!["uid"] = null;
        var changed = await api.UpdateAsync(Api.Deployments, wanted);
        Assert.Equal(("2", "3"), (changed["metadata"]!["generation"]!.ToString(), changed["spec"]!["replicas"]!.ToString()));
        Assert.Null(changed["status"]?["replicas"]);
        Assert.Equal(made["metadata"]!["uid"]!.ToString(), changed["metadata"]!["uid"]!.ToString());

        wanted["spec"]!["replicas"] = 4;
        var conflict = await Refused(() => api.UpdateAsync(Api.Deployments, wanted));
        Assert.Equal(409, conflict.Code);
        Assert.Equal(
            "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the "
            + "latest version and try again", conflict.Message);
    }

    [Fact]
    public async Task Update_NeedsTheNameInTheObject()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"));
        var refusal = await Refused(async () => Api.Read(await api.SendAsync(
            new KubeRequest(KubeVerb.Update, Api.ConfigMaps) { Namespace = "default", Name = "c", Body = Api.Bytes("{}") })));
        Assert.Equal(
            (400, "the name of the object (c based on URL) was undeterminable: name must be provided"), (refusal.Code, refusal.Message));
        Assert.Equal("b", (await api.GetAsync(Api.ConfigMaps, "c"))["data"]!["a"]!.ToString());
    }

    [Fact]
    public async Task DryRunCreation_HasNoVersion()
    {
        await using var api = await Api.StartAsync();
        var made = Api.Read(await api.SendAsync(new KubeRequest(KubeVerb.Create, Api.ConfigMaps)
        {
            Namespace = "default", Body = Api.Bytes(Api.ConfigMap("c")), DryRun = true,
        }));
        Assert.Null(made["metadata"]!["resourceVersion"]);
        Assert.Equal("c", made["metadata"]!["name"]!.ToString());
        Assert.False(await api.ExistsAsync(Api.ConfigMaps, "c"));
    }

    [Theory]
    [InlineData("Strict")]
    [InlineData("Warn")]
    [InlineData("Ignore")]
    public async Task DuplicateAndUnknownFields_AreToldTogether(string validation)
    {
        await using var api = await Api.StartAsync();
        Task<KubeResult> SendAsync() => api.SendAsync(new KubeRequest(KubeVerb.Create, Api.ConfigMaps)
        {
            Namespace = "default", Body = Api.Bytes("""{"metadata":{"name":"c"},"foo":1}"""), FieldValidation = validation,
            DuplicateFields = ["data.a"],
        });
        if (validation == "Strict")
        {
            Assert.Equal(
                "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\", "
                + "unknown field \"foo\"", (await Refused(async () => Api.Read(await SendAsync()))).Message);
        }
        else
        {
            string[] wanted = validation == "Warn" ? ["duplicate field \"data.a\"", "unknown field \"foo\""] : [];
            Assert.Equal(wanted, (await SendAsync()).Warnings);
        }
    }

    [Fact]
    public async Task StatusUpdate_ChangesNothingElse()
    {
        await using var api = await Api.StartAsync();
        var made = await api.CreateAsync(Api.Deployments, Deployment("web"));
        made["spec"]!["replicas"] = 7;
        made["status"] = new JsonObject { ["replicas"] = 2 };
        var changed = await api.UpdateAsync(Api.Deployments, made, "status");
        Assert.Equal(("1", "2", "1"), (
            changed["spec"]!["replicas"]!.ToString(), changed["status"]!["replicas"]!.ToString(), changed["metadata"]!["generation"]!.ToString()));
    }

    [Fact]
    public async Task Patches_OfAllKindsWork()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Deployments, Deployment("web"));
        var image = await api.PatchAsync(
            Api.Deployments, "web", PatchKind.Strategic, """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"b:1"}]}}}}""");
        Assert.Equal("b:1", image["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!.ToString());
        await api.PatchAsync(Api.Deployments, "web", PatchKind.Merge, """{"metadata":{"labels":{"a":"b"}}}""");
        var json = await api.PatchAsync(Api.Deployments, "web", PatchKind.Json, """[{"op":"add","path":"/metadata/labels/c","value":"d"}]""");
        Assert.Equal("""{"a":"b","c":"d"}""", json["metadata"]!["labels"]!.ToJsonString());
    }

    [Fact]
    public async Task Apply_CreatesThenOwnsItsFields()
    {
        await using var api = await Api.StartAsync();
        KubeRequest Apply(string value, string manager) => new(KubeVerb.Patch, Api.ConfigMaps)
        {
            Namespace = "default", Name = "c", Patch = PatchKind.Apply, FieldManager = manager,
            Body = Api.Bytes($$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"{{value}}"} }"""),
        };
        Assert.Equal(201, (await api.SendAsync(Apply("1", "one"))).Code);
        var again = await api.SendAsync(Apply("1", "one"));
        Assert.Equal(200, again.Code);
        var conflict = await Refused(async () => Api.Read(await api.SendAsync(Apply("2", "two"))));
        Assert.Equal((409, "Conflict"), (conflict.Code, conflict.Reason));
        var forced = Api.Read(await api.SendAsync(Apply("2", "two") with { Force = true }));
        Assert.Equal("2", forced["data"]!["k"]!.ToString());
        Assert.Equal(again.Document.Metadata.ResourceVersion, Api.Read(again)["metadata"]!["resourceVersion"]!.ToString());
    }

    [Fact]
    public async Task DryRun_StoresNothing()
    {
        await using var api = await Api.StartAsync();
        await api.SendAsync(new KubeRequest(KubeVerb.Create, Api.Services)
        {
            Namespace = "default", DryRun = true,
            Body = Api.Bytes("""{"metadata":{"name":"s"},"spec":{"clusterIP":"10.43.0.9","ports":[{"port":80}]}}"""),
        });
        Assert.False(await api.ExistsAsync(Api.Services, "s"));
        var made = await api.CreateAsync(Api.Services, """{"metadata":{"name":"s"},"spec":{"clusterIP":"10.43.0.9","ports":[{"port":80}]}}""");
        Assert.Equal("10.43.0.9", made["spec"]!["clusterIPs"]![0]!.ToString());
        await api.SendAsync(new KubeRequest(KubeVerb.Delete, Api.Services) { Namespace = "default", Name = "s", DryRun = true });
        Assert.True(await api.ExistsAsync(Api.Services, "s"));
    }

    [Fact]
    public async Task Scale_IsAViewOnReplicas()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Deployments, Deployment("web"));
        var scale = await api.GetAsync(Api.Deployments, "web", subresource: "scale");
        Assert.Equal(("Scale", "app=web"), (scale["kind"]!.ToString(), scale["status"]!["selector"]!.ToString()));
        await api.PatchAsync(Api.Deployments, "web", PatchKind.Json, """[{"op":"add","path":"/spec/replicas","value":5}]""", "scale");
        Assert.Equal("5", (await api.GetAsync(Api.Deployments, "web"))["spec"]!["replicas"]!.ToString());
        scale["spec"]!["replicas"] = 6;
        Assert.Equal(409, (await Refused(() => api.UpdateAsync(Api.Deployments, scale, "scale"))).Code);
    }

    [Fact]
    public async Task Authorizer_IsAskedWithKubernetesText()
    {
        await using var api = await Api.StartAsync(o => o with { Access = _ => new(new Nobody()) });
        var user = api.As(new KubeUser("jane", ["system:authenticated"]));
        var refusal = await Refused(() => user.GetAsync(Api.Deployments, "x", subresource: "scale"));
        Assert.Equal((403, "Forbidden"), (refusal.Code, refusal.Reason));
        Assert.Equal(
            "deployments.apps \"x\" is forbidden: User \"jane\" cannot get resource \"deployments/scale\" in API group \"apps\" in the "
            + "namespace \"default\"", refusal.Message);
    }

    [Fact]
    public async Task Rbac_CountsOnceTheBindingIsAcknowledged()
    {
        await using var api = await Api.StartAsync(o => o with { Access = _ => new(new RbacAuthorizer()) });
        var jane = api.As(new KubeUser("jane", ["system:authenticated"]));
        Assert.Equal(403, (await Refused(() => jane.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c")))).Code);
        await api.CreateAsync(
            Knet.Api.Meta.ResourceType.Of<V1RoleBinding>(),
            """
            {"metadata":{"name":"jane"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"edit"},
             "subjects":[{"kind":"User","name":"jane"}]}
            """);
        await jane.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"));
    }

    [Fact]
    public async Task StrictValidation_NamesUnknownFields()
    {
        await using var api = await Api.StartAsync();
        var request = new KubeRequest(KubeVerb.Create, Api.ConfigMaps)
        {
            Namespace = "default", FieldValidation = "Strict", Body = Api.Bytes("""{"metadata":{"name":"c"},"dada":{}}"""),
        };
        var refusal = await Assert.ThrowsAsync<KubeException>(() => api.SendAsync(request));
        Assert.Contains("strict decoding error: unknown field \"dada\"", refusal.Message);
        Assert.Equal(["unknown field \"dada\""], (await api.SendAsync(request with { FieldValidation = "Warn" })).Warnings);
    }

    [Fact]
    public async Task Admission_MutatesAndDeniesInItsOwnWords()
    {
        await using var api = await Api.StartAsync(o => o with { Plugins = [new NamesOnly()] });
        var made = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("good"));
        Assert.Equal("yes", made["metadata"]!["labels"]!["admitted"]!.ToString());
        var denied = await Refused(() => api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("bad")));
        Assert.Equal((400, "BadRequest", "admission webhook \"w\" denied the request: bad"), (denied.Code, denied.Reason, denied.Message));
    }

    [Fact]
    public async Task ManagedFields_LeaveOutWhatAdmissionAdded()
    {
        await using var api = await Api.StartAsync(o => o with { Plugins = [new NamesOnly()] });
        var made = await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("good"));
        var fields = made["metadata"]!["managedFields"]!.ToJsonString();
        Assert.Contains("f:data", fields);
        Assert.DoesNotContain("f:admitted", fields);
        var pod = await api.CreateAsync(Api.Pods, Api.Pod("p"));
        fields = pod["metadata"]!["managedFields"]!.ToJsonString();
        Assert.Contains("f:containers", fields);
        Assert.DoesNotContain("f:tolerations", fields);
        Assert.Equal(2, pod["spec"]!["tolerations"]!.AsArray().Count);
    }

    [Fact]
    public async Task KubernetesService_IsMadeAgain()
    {
        await using var api = await Api.StartAsync();
        await api.DeleteAsync(Api.Services, "kubernetes");
        Assert.False(await api.ExistsAsync(Api.Services, "kubernetes"));
        var page = await api.ListAsync(Api.Services);
        var watch = api.WatchUntilAsync(
            new KubeRequest(KubeVerb.List, Api.Services) { Namespace = "default", ResourceVersion = page.ResourceVersion },
            seen => seen[^1].Type == WatchEventType.Added);
        api.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("kubernetes", Assert.Single(await watch).Document.Key.Name);
    }

    [Theory]
    [InlineData("""{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}""", "requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1")]
    [InlineData("""{"limits":{"memory":"1x"}}""", "limits[memory]: Invalid value: \"1x\": quantities must match the regular expression")]
    [InlineData("""{"limits":{"disk":"1"}}""", "limits[disk]: Invalid value: \"disk\": must be a standard resource for containers")]
    public async Task Resources_ThatCannotBeAreRefused(string resources, string problem)
    {
        await using var api = await Api.StartAsync();
        var pod = Api.Pod("p").Replace("\"image\"", $"\"resources\":{resources},\"image\"", StringComparison.Ordinal);
        Assert.Contains("spec.containers[0].resources." + problem, (await Refused(() => api.CreateAsync(Api.Pods, pod))).Message);
    }

    internal static string Deployment(string name) =>
        $$$"""
        {"metadata":{"name":"{{{name}}}"},"spec":{"selector":{"matchLabels":{"app":"{{{name}}}"} },
         "template":{"metadata":{"labels":{"app":"{{{name}}}"} },"spec":{"containers":[{"name":"c","image":"a"}]} } } }
        """;

    internal static Task<KubeException> Refused(Func<Task<JsonObject>> call) => Assert.ThrowsAsync<KubeException>(call);

    private sealed class Nobody : IAuthorizer
    {
        public (bool Allowed, string Reason) Authorize(KubeUser user, AccessAttributes attributes) => (false, "");
    }

    private sealed class NamesOnly : IAdmissionPlugin
    {
        public bool Handles(Knet.Api.Meta.ResourceType type, string subresource, KubeVerb operation) => type == Api.ConfigMaps;

        public AdmissionResponse Mutate(AdmissionRequest request)
        {
            var value = JsonNode.Parse(request.Object!.Json.Span)!;
            value["metadata"]!["labels"] = new JsonObject { ["admitted"] = "yes" };
            return new AdmissionResponse(new KubeDocument(Api.Bytes(value.ToJsonString())));
        }

        public AdmissionResponse Validate(AdmissionRequest request) => request.Key.Name == "bad"
            ? new AdmissionResponse(Denied: "admission webhook \"w\" denied the request: bad")
            : AdmissionResponse.Allowed;
    }
}
