using System.Globalization;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Changes of stored objects: PUT and PATCH, of the object and of its status.</summary>
internal sealed class Updates(RegistryParts parts, WritePipeline pipeline, Creations creations)
{
    // A change that names no version is tried again when somebody else was faster; more often than this means livelock.
    private const int Attempts = 20;

    public Task<KubeResult> UpdateAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        var hub = parts.Kinds.HubOf(kind);
        var warnings = new List<string>();
        var body = ObjectBodies.Read(ObjectBodies.Parse(request.Body), kind, hub, request, warnings);
        if (kind.IsCustom && string.IsNullOrEmpty(body.Metadata().Text("resourceVersion")))
        {
            var errors = new FieldErrors();
            errors.Invalid("metadata.resourceVersion", 0, "must be specified for an update");
            throw Refusals.Invalid(kind.Type, request.Name, errors.All);
        }

        // A try changes what it is given, so that the next one, which is rare, needs a fresh one.
        JsonObject? first = body;
        return ChangeAsync(kind, hub, request, user, warnings, replaces: true, make: _ =>
        {
            var wanted = first ?? ObjectBodies.Read(ObjectBodies.Parse(request.Body), kind, hub, request, []);
            first = null;
            return wanted;
        });
    }

    public async Task<KubeResult> PatchAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        if (request.Patch == PatchKind.Strategic && kind.IsCustom)
        {
            throw Refusals.UnsupportedPatch(isCustom: true);
        }

        var hub = parts.Kinds.HubOf(kind);
        var warnings = new List<string>();
        var patch = new PatchBody(kind, hub, request, user, parts.Time, warnings);
        if (request.Patch == PatchKind.Apply && request.Subresource.Length == 0
            && parts.Find(hub, new ObjectKey(kind.Type.Namespaced ? request.Namespace : "", request.Name)) is null)
        {
            parts.Authorize(user, "create", kind.Type, "", request.Namespace, request.Name);
            var made = patch.Apply(null);
            CheckIsNew(kind.Type, made.Metadata(), request.Name);
            return await creations.CreateAsync(kind, hub, made, request, user, warnings);
        }

        return await ChangeAsync(kind, hub, request, user, warnings, patch.Apply);
    }

    /// <summary>Changes an object until the change is stored, refused, or found to change nothing.</summary>
    /// <param name="make">From a private copy of the stored object to the wanted one, both in the stored version.</param>
    /// <param name="replaces">What is made does not come from the stored object: no copy is made for it.</param>
    public async Task<KubeResult> ChangeAsync(
        KindInfo kind, KindInfo hub, KubeRequest request, KubeUser user, List<string> warnings, Func<JsonObject, JsonObject> make,
        bool replaces = false)
    {
        var key = new ObjectKey(kind.Type.Namespaced ? request.Namespace : "", request.Name);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var stored = parts.Find(hub, key) ?? throw Refusals.NotFound(kind.Type, request.Name);
            var old = RegistryParts.Current(hub, stored);
            var wanted = make(replaces ? old : RegistryParts.Current(hub, stored));
            CheckPreconditions(kind.Type, wanted, stored, request);
            var write = new WriteContext(hub, request, user, parts.Time.GetUtcNow()) { Object = wanted, Old = old, Stored = stored };
            CarryOver.Into(write);
            parts.StrategyOf(hub).PrepareUpdate(write);
            // Writers may change managedFields themselves (kubectl does when it takes up apply); leaving them out changes nothing.
            var sendsManagers = write.Object.Metadata().ContainsKey("managedFields");
            pipeline.Admit(write);
            write.Warnings.InsertRange(0, warnings);
            if (ObjectComparison.Same(old, write.Object, withManagers: sendsManagers, statusOnly: write.Subresource == "status"))
            {
                write.Undo();
                return new KubeResult(parts.View(kind, hub, stored), 200, write.Warnings);
            }

            CountGeneration(write);
            if (await FinishAsync(write) is { } document)
            {
                return new KubeResult(document(kind), 200, write.Warnings);
            }
        }

        throw Refusals.Modified(kind.Type, request.Name);
    }

    // The last finalizer of an object that is being deleted is gone: so is the object.
    private async Task<Func<KindInfo, KubeDocument>?> FinishAsync(WriteContext write)
    {
        if (!Deletions.IsDone(write.Object, write.Hub))
        {
            return await pipeline.StoreAsync(write) is { } changed ? kind => parts.View(kind, write.Hub, changed) : null;
        }

        write.End();
        var removed = await pipeline.RemoveAsync(write.Hub, write.Stored!, write.Object, write.User, write.Request.DryRun);
        var last = new StoredObject(write.Key, write.Stored!.Revision, EncodedObject.From(write.Object), onDisk: false);
        return removed ? kind => parts.View(kind, write.Hub, last) : null;
    }

    // An applied configuration that names a version or a uid means an object that is there.
    private static void CheckIsNew(ResourceType type, JsonObject metadata, string name)
    {
        if (metadata.Text("uid") is { Length: > 0 } uid)
        {
            throw Refusals.Conflict(
                type, name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        }

        if (metadata.Text("resourceVersion") is { Length: > 0 } version && version != "0")
        {
            throw Refusals.Modified(type, name);
        }
    }

    private static void CheckPreconditions(ResourceType type, JsonObject wanted, StoredObject stored, KubeRequest request)
    {
        var metadata = wanted.Metadata();
        var current = stored.Document.Metadata;
        if (metadata.Text("uid") is { Length: > 0 } uid && uid != current.Uid)
        {
            throw Refusals.Conflict(
                type, request.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {current.Uid}");
        }

        if (metadata.Text("resourceVersion") is { Length: > 0 } version && version != stored.Revision.ToString(CultureInfo.InvariantCulture))
        {
            throw Refusals.Modified(type, request.Name);
        }

        if (wanted.Name() != request.Name)
        {
            throw Refusals.BadRequest($"the name of the object ({wanted.Name()}) does not match the name on the URL ({request.Name})");
        }
    }

    private void CountGeneration(WriteContext write)
    {
        if (!write.Hub.IsCustom && !parts.StrategyOf(write.Hub).HasGeneration)
        {
            return;
        }

        var old = write.Old!.Object("metadata").Number("generation") ?? 0;
        var changed = write.Subresource != "status"
            && !ObjectComparison.SameExcept(write.Old!, write.Object, write.Hub.HasStatus ? ["metadata", "status"] : ["metadata"]);
        write.Object.Metadata()["generation"] = changed ? old + 1 : Math.Max(old, 1);
    }
}
