using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>
/// Namespaces: Active with the finalizer <c>kubernetes</c> until a controller has emptied them; each begins with the service account
/// <c>default</c> and the cluster's CA, there when the creation is acknowledged.
/// </summary>
internal sealed class NamespaceStrategy(RegistryParts parts, string? clusterCa) : KindStrategy
{
    private const string NameLabel = "kubernetes.io/metadata.name";

    private static readonly KubeUser Controller = new(
        "system:serviceaccount:kube-system:namespace-controller", ["system:masters", "system:serviceaccounts:kube-system"]);

    public override void Default(JsonObject value)
    {
        if (value.Name().Length > 0)
        {
            value.Metadata().Ensure("labels")[NameLabel] = value.Name();
        }
    }

    public override void PrepareCreate(WriteContext write)
    {
        write.Object["spec"] = new JsonObject { ["finalizers"] = JsonMembers.ToArray(["kubernetes"]) };
        write.Object["status"] = new JsonObject { ["phase"] = "Active" };
    }

    public override void PrepareUpdate(WriteContext write)
    {
        if (write.Subresource != "finalize")
        {
            write.Object.Ensure("spec").Take("finalizers", write.Old.Object("spec"));
        }
    }

    public override Task AfterWriteAsync(WriteContext write, JsonObject value) => write.IsCreate ? FillAsync(write.Name) : Task.CompletedTask;

    /// <summary>Makes what every namespace has, if it is missing.</summary>
    public async Task FillAsync(string ns)
    {
        await EnsureAsync("serviceaccounts", ns, new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "ServiceAccount", ["metadata"] = new JsonObject { ["name"] = "default", ["namespace"] = ns },
        });
        if (clusterCa is { } ca)
        {
            await EnsureAsync("configmaps", ns, new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "ConfigMap",
                ["metadata"] = new JsonObject { ["name"] = "kube-root-ca.crt", ["namespace"] = ns },
                ["data"] = new JsonObject { ["ca.crt"] = ca },
            });
        }
    }

    private async Task EnsureAsync(string plural, string ns, JsonObject value)
    {
        var kind = parts.Kinds.Catalog.Find("", "v1", plural)!;
        if (parts.Find(kind, new ObjectKey(ns, value.Name())) is { } stored && !Differs(stored.Document, value))
        {
            return;
        }

        var pipeline = new WritePipeline(parts);
        var request = new KubeRequest(KubeVerb.Create, kind.Type) { Namespace = ns, FieldManager = "namespace-controller" };
        try
        {
            await new Creations(parts, pipeline).CreateAsync(kind, kind, value, request, Controller, []);
        }
        catch (KubeException e) when (e.IsAlreadyExists)
        {
            // A new CA after the data directory kept an old one: pods must get the new one.
            var name = value.Name();
            var data = value["data"];
            await new Updates(parts, pipeline, new Creations(parts, pipeline)).ChangeAsync(
                kind, kind, request with { Verb = KubeVerb.Update, Name = name }, Controller, [],
                current =>
                {
                    current["data"] = data?.DeepClone();
                    return current;
                });
        }
    }

    private static bool Differs(KubeDocument stored, JsonObject wanted) =>
        wanted["data"] is { } data && !JsonNode.DeepEquals(ObjectBodies.Parse(stored)["data"], data);
}

/// <summary>
/// Service accounts: <c>default</c> comes back when it is deleted while its namespace lives; Secrets that hold tokens come and go with theirs.
/// </summary>
internal sealed class ServiceAccountStrategy(RegistryParts parts, NamespaceStrategy namespaces, AccountTokenSecrets tokens) : KindStrategy
{
    public override Task AfterWriteAsync(WriteContext write, JsonObject value) =>
        write.IsCreate ? tokens.FillAllAsync(write.Namespace, write.Name) : Task.CompletedTask;

    public override async Task AfterRemovalAsync(JsonObject last)
    {
        await tokens.DeleteAllAsync(last.Namespace(), last.Name());
        if (last.Name() == "default"
            && parts.Store.Find("/namespaces", new ObjectKey("", last.Namespace())) is { } ns && ns.Document.Metadata.DeletionTimestamp is null)
        {
            await namespaces.FillAsync(last.Namespace());
        }
    }
}
