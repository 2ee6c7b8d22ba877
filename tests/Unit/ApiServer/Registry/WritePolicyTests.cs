using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

/// <summary>Who waits for the disk. A cold start is a chain of writes by controllers: none of them may.</summary>
public sealed class WritePolicyTests
{
    private static readonly KubeUser Controller = KubeUser.ServiceAccount("kube-system", "deployment-controller");
    private static readonly KubeUser Person = new("alice", ["system:authenticated"]);

    [Theory]
    [InlineData(true, "Deployment", "", Durability.Behind)]
    [InlineData(false, "Deployment", "", Durability.Committed)]
    [InlineData(true, null, "", Durability.Committed)]
    [InlineData(true, null, "status", Durability.Behind)]
    public async Task ReplicaSetOfADeployment_IsScaledWithoutTheDisk(bool system, string? owner, string subresource, object expected)
    {
        await using var api = await Api.StartAsync();
        var body = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "web-1", ["namespace"] = "default" } };
        if (owner is not null)
        {
            body["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject { ["kind"] = owner, ["name"] = "web", ["controller"] = true });
        }

        var request = new KubeRequest(KubeVerb.Update, Api.ReplicaSets) { Namespace = "default", Name = "web-1", Subresource = subresource };
        var write = new WriteContext(
            api.Core.Registry.Kinds.Find(Api.ReplicaSets)!, request, system ? Controller : Person, api.Time.GetUtcNow())
        {
            Object = body,
            Stored = new StoredObject(new ObjectKey("default", "web-1"), 1, EncodedObject.From(body.DeepClone().AsObject()), onDisk: true),
        };
        Assert.Equal(expected, WritePolicy.Of(write));
    }
}
