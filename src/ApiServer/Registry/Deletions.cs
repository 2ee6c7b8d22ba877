using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Admission;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Deletion: preconditions, grace, finalizers, propagation to dependents.</summary>
internal sealed class Deletions(RegistryParts parts, WritePipeline pipeline, Reads reads)
{
    public const string Foreground = "foregroundDeletion";
    public const string Orphan = "orphan";
    private const int Attempts = 20;
    private const long PodGraceSeconds = 30;
    private static readonly string[] KeptNamespaces = ["default", "kube-system", "kube-public"];

    /// <summary>Whether an object that is being deleted has nothing left that holds it.</summary>
    public static bool IsDone(JsonObject value, KindInfo hub)
    {
        var metadata = value.Object("metadata");
        return metadata?["deletionTimestamp"] is not null
            && metadata.Array("finalizers") is not { Count: > 0 }
            && metadata.Number("deletionGracePeriodSeconds") is null or 0
            && !(hub.Type is { Group: "", Plural: "namespaces" } && value.Object("spec").Array("finalizers") is { Count: > 0 });
    }

    public async Task<KubeResult> DeleteAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        var hub = parts.Kinds.HubOf(kind);
        var key = new ObjectKey(kind.Type.Namespaced ? request.Namespace : "", request.Name);
        var warnings = new List<string>();
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var stored = parts.Find(hub, key) ?? throw Refusals.NotFound(kind.Type, request.Name);
            CheckPreconditions(kind.Type, stored, request.DeleteOptions?.Preconditions);
            if (hub.Type is { Group: "", Plural: "namespaces" } && KeptNamespaces.Contains(request.Name))
            {
                throw Refusals.Forbidden(kind.Type, request.Name, "this namespace may not be deleted");
            }

            parts.Admission.Validate(
                new AdmittedWrite(KubeVerb.Delete, hub.Type, "", key, stored, user, request.DryRun), null, warnings);
            if (await TryAsync(kind, hub, stored, request, user) is { } document)
            {
                return new KubeResult(document, 200, warnings);
            }
        }

        throw Refusals.Modified(kind.Type, request.Name);
    }

    /// <summary>Deletes what a list with the same selectors shows; answers with that list.</summary>
    public async Task<KubeResult> DeleteCollectionAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        var page = reads.List(kind, request with { Limit = null, Continue = null });
        var items = new JsonArray();
        foreach (var item in page.Items)
        {
            try
            {
                var one = request with { Verb = KubeVerb.Delete, Namespace = item.Key.Namespace, Name = item.Key.Name };
                await DeleteAsync(kind, one, user);
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                continue; // gone meanwhile: what was wanted
            }

            items.Add(ObjectBodies.Parse(item));
        }

        var list = new JsonObject
        {
            ["kind"] = kind.ListKind,
            ["apiVersion"] = kind.Type.ApiVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = page.ResourceVersion },
            ["items"] = items,
        };
        return new KubeResult(new KubeDocument(KubeJson.Serialize(list)), 200, []);
    }

    private async Task<KubeDocument?> TryAsync(KindInfo kind, KindInfo hub, StoredObject stored, KubeRequest request, KubeUser user)
    {
        var value = ObjectBodies.Parse(stored.Document);
        var wasDeleting = value.IsDeleting();
        var changed = SetPropagation(value.Metadata(), request.DeleteOptions);
        changed |= SetDeletion(hub, value, request.DeleteOptions, parts.Time.GetUtcNow());
        if (IsDone(value, hub))
        {
            return await pipeline.RemoveAsync(hub, stored, value, user, request.DryRun) ? Success(kind.Type, stored) : null;
        }

        if (!changed)
        {
            return parts.View(kind, hub, stored);
        }

        if (!wasDeleting)
        {
            parts.StrategyOf(hub).MarkDeleted(value, parts.Time.GetUtcNow());
            if (value.Metadata().Number("generation") is { } generation)
            {
                value.Metadata()["generation"] = generation + 1;
            }
        }

        var write = new WriteContext(hub, request, user, parts.Time.GetUtcNow()) { Object = value, Old = value, Stored = stored };
        return await pipeline.StoreAsync(write) is { } marked ? parts.View(kind, hub, marked) : null;
    }

    private static bool SetPropagation(JsonObject metadata, V1DeleteOptions? options)
    {
        var wanted = options?.PropagationPolicy switch
        {
            "Foreground" => Foreground,
            "Orphan" => Orphan,
            "Background" => "",
            null => null,
            var other => throw Refusals.BadRequest(
                $"invalid propagationPolicy \"{other}\": must be one of Background, Foreground, Orphan"),
        };
#pragma warning disable CS0618 // old clients still send it
        wanted ??= options?.OrphanDependents switch { true => Orphan, false => "", null => null };
#pragma warning restore CS0618
        if (wanted is null)
        {
            return false;
        }

        var before = metadata.Texts("finalizers").ToList();
        var after = before.Where(f => f is not (Foreground or Orphan)).ToList();
        if (wanted.Length > 0)
        {
            after.Add(wanted);
        }

        metadata["finalizers"] = after.Count > 0 ? JsonMembers.ToArray(after) : null;
        return !before.SequenceEqual(after);
    }

    private static bool SetDeletion(KindInfo hub, JsonObject value, V1DeleteOptions? options, DateTimeOffset now)
    {
        var metadata = value.Metadata();
        var isPod = hub.Type is { Group: "", Plural: "pods" };
        var grace = isPod ? PodGrace(value, options) : 0;
        if (metadata.Text("deletionTimestamp") is { } since)
        {
            var before = metadata.Number("deletionGracePeriodSeconds") ?? 0;
            var shorter = isPod && options?.GracePeriodSeconds is not null && grace < before;
            if (shorter)
            {
                var start = DateTimeOffset.Parse(since, CultureInfo.InvariantCulture).AddSeconds(-before);
                metadata["deletionTimestamp"] = JsonMembers.Time(start.AddSeconds(grace));
                metadata["deletionGracePeriodSeconds"] = grace;
            }

            return shorter;
        }

        metadata["deletionTimestamp"] = JsonMembers.Time(now.AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
        if (hub.Type is { Group: "", Plural: "namespaces" })
        {
            value.Ensure("status")["phase"] = "Terminating";
        }

        return true;
    }

    // Pods that no node runs, or that have ended, need no grace.
    private static long PodGrace(JsonObject pod, V1DeleteOptions? options)
    {
        var spec = pod.Object("spec");
        if (spec.Text("nodeName") is not { Length: > 0 } || pod.Object("status").Text("phase") is "Succeeded" or "Failed")
        {
            return 0;
        }

        return Math.Max(0, options?.GracePeriodSeconds ?? spec.Number("terminationGracePeriodSeconds") ?? PodGraceSeconds);
    }

    private static void CheckPreconditions(ResourceType type, StoredObject stored, V1Preconditions? wanted)
    {
        var metadata = stored.Document.Metadata;
        if (wanted?.Uid is { } uid && uid != metadata.Uid)
        {
            throw Refusals.Conflict(
                type, stored.Key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.Uid}");
        }

        if (wanted?.ResourceVersion is { } version && version != metadata.ResourceVersion)
        {
            throw Refusals.Conflict(
                type, stored.Key.Name,
                $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {metadata.ResourceVersion}");
        }
    }

    private static KubeDocument Success(ResourceType type, StoredObject stored) => KubeDocument.From(new V1Status
    {
        ApiVersion = "v1",
        Kind = "Status",
        Metadata = new V1ListMeta(),
        Status = "Success",
        Details = new V1StatusDetails
        {
            Name = stored.Key.Name,
            Group = type.Group.Length == 0 ? null : type.Group,
            Kind = type.Plural,
            Uid = stored.Document.Metadata.Uid,
        },
    });
}
