using System.Security.Cryptography;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Creation, by POST or by server-side apply.</summary>
internal sealed class Creations(RegistryParts parts, WritePipeline pipeline)
{
    // Kubernetes' alphabet for generated names: no vowels, no digits that look like letters.
    private const string NameAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    private const int NameAttempts = 8;
    private static readonly ResourceType Namespaces = new("", "v1", "namespaces", "Namespace", false);

    public Task<KubeResult> CreateAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        var warnings = new List<string>();
        var hub = parts.Kinds.HubOf(kind);
        var value = ObjectBodies.Read(ObjectBodies.Parse(request.Body), kind, hub, request, warnings);
        if (value.Metadata().Text("resourceVersion") is { Length: > 0 })
        {
            throw Refusals.BadRequest("resourceVersion should not be set on objects to be created");
        }

        return CreateAsync(kind, hub, value, request, user, warnings);
    }

    /// <summary>Creates an object that is in its stored version already.</summary>
    public async Task<KubeResult> CreateAsync(
        KindInfo kind, KindInfo hub, JsonObject value, KubeRequest request, KubeUser user, List<string> warnings)
    {
        if (kind.IsTerminating)
        {
            throw Refusals.Terminating();
        }

        CheckNamespace(hub.Type, value);
        var generated = value.Name().Length == 0 && value.Object("metadata").Text("generateName") is { Length: > 0 };
        for (var attempt = 1; ; attempt++)
        {
            var write = new WriteContext(hub, request, user, parts.Time.GetUtcNow())
            {
                Object = generated ? value.DeepClone().AsObject() : value,
            };
            Prepare(write);
            pipeline.Admit(write);
            write.Warnings.InsertRange(0, warnings);
            if (parts.Find(hub, write.Key) is null && await pipeline.StoreAsync(write) is { } stored)
            {
                return new KubeResult(parts.View(kind, hub, stored), 201, write.Warnings);
            }

            write.Undo();
            if (!generated || attempt == NameAttempts)
            {
                throw Refusals.AlreadyExists(kind.Type, write.Name);
            }
        }
    }

    private void Prepare(WriteContext write)
    {
        var metadata = write.Object.Metadata();
        if (write.Name.Length == 0 && metadata.Text("generateName") is { Length: > 0 } prefix)
        {
            // The whole is at most a DNS label long.
            metadata["name"] = prefix[..Math.Min(prefix.Length, 58)] + RandomNumberGenerator.GetString(NameAlphabet, 5);
        }

        metadata.Remove("resourceVersion");
        metadata.Remove("selfLink");
        var strategy = parts.StrategyOf(write.Hub);
        if (IsAdoption(write))
        {
            strategy.PrepareCreate(write);
            return;
        }

        metadata.Remove("deletionTimestamp");
        metadata.Remove("deletionGracePeriodSeconds");
        metadata.Remove("generation");
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = JsonMembers.Time(write.Now);
        if (write.Hub.IsCustom || strategy.HasGeneration)
        {
            metadata["generation"] = 1;
        }

        // Nodes register with the status that they find, as in Kubernetes.
        if (write.Hub.HasStatus && write.Hub.Type is not { Group: "", Plural: "nodes" })
        {
            write.Object.Remove("status");
        }

        strategy.PrepareCreate(write);
    }

    /// <summary>
    /// A node that finds a container running after a restart makes its pod again as it was: uid, times and status are the node's. Pods
    /// of ReplicaSets are in memory only, so nobody else knows them any more.
    /// </summary>
    private static bool IsAdoption(WriteContext write) =>
        write.Hub.Type is { Group: "", Plural: "pods" } && write.User.Groups.Contains("system:nodes")
        && write.Object.Metadata().Text("uid") is { Length: > 0 };

    private void CheckNamespace(ResourceType type, JsonObject value)
    {
        if (!type.Namespaced)
        {
            return;
        }

        var ns = value.Namespace();
        if (ns.Length == 0)
        {
            throw Refusals.BadRequest($"an empty namespace may not be set during creation of {type.GroupResource}");
        }

        var found = parts.Store.Find("/namespaces", new ObjectKey("", ns)) ?? throw Refusals.NotFound(Namespaces, ns);
        if (found.Document.Metadata.DeletionTimestamp is not null)
        {
            var refusal = Refusals.Forbidden(
                type, value.Name(), $"unable to create new content in namespace {ns} because it is being terminated");
            refusal.Status.Details.Causes =
            [
                new V1StatusCause
                {
                    Reason = "NamespaceTerminating", Message = $"namespace {ns} is being terminated", Field = "metadata.namespace",
                },
            ];
            throw refusal;
        }
    }
}
