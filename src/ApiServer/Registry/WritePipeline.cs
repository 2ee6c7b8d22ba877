using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Admission;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Schemas;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>What every creation and change passes: defaults, admission, validation, field tracking, the store.</summary>
internal sealed class WritePipeline(RegistryParts parts)
{
    /// <summary>
    /// Defaults, notes who wrote which field, lets kind and plug-ins add, and checks the object; takes addresses and ports last. What
    /// they add belongs to nobody, as in Kubernetes: else leaving it out of an applied document would mean to remove it.
    /// </summary>
    /// <exception cref="KubeException">422 with all causes, or a plug-in's refusal.</exception>
    public void Admit(WriteContext write)
    {
        var strategy = parts.StrategyOf(write.Hub);
        Default(write, strategy);
        Track(write);
        strategy.Complete(write);
        var managers = write.Object.Metadata()["managedFields"]?.DeepClone();
        var admitted = new AdmittedWrite(
            write.IsCreate ? KubeVerb.Create : KubeVerb.Update, write.Hub.Type, write.Subresource, write.Key, write.Stored, write.User,
            write.Request.DryRun);
        var mutated = parts.Admission.Mutate(admitted, write.Object, write.Warnings);
        if (!ReferenceEquals(mutated, write.Object))
        {
            write.Object = mutated;
            Default(write, strategy);
            if (managers is not null)
            {
                write.Object.Metadata()["managedFields"] = managers;
            }
        }

        var errors = new FieldErrors();
        MetadataRules.Validate(write, errors);
        CheckSchema(write, errors);
        if (write.Subresource != "status")
        {
            strategy.Validate(write, errors);
        }

        ThrowIfAny(write, errors);
        parts.Admission.Validate(admitted, write.Object, write.Warnings);
        parts.Limits.Check(write);
        parts.Quotas.Admit(write);
        strategy.Allocate(write, errors);
        ThrowIfAny(write, errors);
    }

    // Server-side apply has done so itself.
    private void Track(WriteContext write)
    {
        if (write.Request.Patch == PatchKind.Apply || !WritePolicy.TracksFields(write))
        {
            return;
        }

        ServerSideApply.TrackUpdate(
            write.Hub.Schema?.Value, write.Old, write.Object, ManagerOf(write.Request, write.User), "Update", write.Hub.Type.ApiVersion,
            write.Subresource, write.Now.UtcDateTime);
    }

    /// <summary>Stores the object unless it is a dry run. Null: somebody else was faster.</summary>
    public async Task<StoredObject?> StoreAsync(WriteContext write)
    {
        var encoded = EncodedObject.From(write.Object);
        CheckSize(write, encoded);
        if (write.Request.DryRun)
        {
            write.Undo();
            return new StoredObject(write.Key, write.Stored?.Revision ?? 0, encoded, onDisk: false);
        }

        var table = KindSource.TableOf(write.Hub.Type);
        try
        {
            var result = await parts.Store.WriteAsync(
                new StoreWrite(table, write.Key, encoded, write.Stored?.Revision ?? 0, WritePolicy.Of(write)));
            if (!result.Succeeded)
            {
                write.Undo();
                return null;
            }

            write.End();
            await parts.StrategyOf(write.Hub).AfterWriteAsync(write, write.Object);
            await parts.Quotas.SettleAsync(write.Hub, write.Subresource, write.Stored, result.Object);
            return result.Object;
        }
        catch (KubeException)
        {
            write.Undo();
            throw;
        }
    }

    private void CheckSize(WriteContext write, EncodedObject encoded)
    {
        try
        {
            parts.Store.CheckSize(encoded);
        }
        catch (KubeException)
        {
            write.Undo();
            throw;
        }
    }

    /// <summary>Removes the stored object. False: somebody else was faster.</summary>
    public async Task<bool> RemoveAsync(KindInfo hub, StoredObject stored, JsonObject last, KubeUser user, bool dryRun)
    {
        if (dryRun)
        {
            return true;
        }

        var result = await parts.Store.WriteAsync(
            new StoreWrite(KindSource.TableOf(hub.Type), stored.Key, null, stored.Revision, WritePolicy.OfRemoval(hub, user)));
        if (result.Succeeded)
        {
            await parts.StrategyOf(hub).AfterRemovalAsync(last);
            await parts.Quotas.SettleAsync(hub, "", stored, null);
        }

        return result.Succeeded;
    }

    public static string ManagerOf(KubeRequest request, KubeUser user)
    {
        var manager = request.FieldManager is { Length: > 0 } given ? given : user.Name[(user.Name.LastIndexOf(':') + 1)..];
        return manager.Length <= 128 ? manager : manager[..128];
    }

    private void Default(WriteContext write, Strategies.KindStrategy strategy)
    {
        DropEmpty(write.Object.Metadata());
        if (write.Hub is { IsCustom: true, Schema: { } schema })
        {
            if (VersionOf(write) is { Schema: { } sent } version && version.Type != write.Hub.Type)
            {
                SchemaOperations.ApplyDefaults(sent.Value, write.Object);
            }

            SchemaOperations.ApplyDefaults(schema.Value, write.Object);
        }

        if (write.Subresource != "status") // the rest is as it was stored, defaults and all
        {
            strategy.Default(write.Object);
        }
    }

    // The version a writer speaks: what Kubernetes defaults and validates in.
    private KindInfo VersionOf(WriteContext write) => parts.Kinds.Catalog.Find(write.Request.Type) ?? write.Hub;

    // As Kubernetes stores them: empty is absent.
    private static void DropEmpty(JsonObject metadata)
    {
        foreach (var member in (string[])["labels", "annotations", "finalizers", "ownerReferences"])
        {
            if (metadata[member] is JsonObject { Count: 0 } or JsonArray { Count: 0 })
            {
                metadata.Remove(member);
            }
        }
    }

    // Built-in kinds have rules of their own (strategies); of their schema only the types count, which Kubernetes refuses while decoding.
    private void CheckSchema(WriteContext write, FieldErrors errors)
    {
        if (write.Hub is { IsCustom: true })
        {
            if (VersionOf(write).Schema is { } sent)
            {
                errors.Add(SchemaOperations.Validate(sent.Value, write.Object, write.Old));
            }

            return;
        }

        if (write.Hub.Schema is not { } schema)
        {
            return;
        }

        var found = SchemaOperations.Validate(schema.Value, write.Object);
        if (found.FirstOrDefault(e => e.Type == "FieldValueTypeInvalid") is { } wrong)
        {
            var type = write.Hub.Type;
            throw Refusals.BadRequest(
                $"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: {wrong.Path}: {wrong.Detail}");
        }
    }

    private static void ThrowIfAny(WriteContext write, FieldErrors errors)
    {
        if (errors.All.Count > 0)
        {
            write.Undo();
            throw Refusals.Invalid(write.Hub.Type, write.Name, errors.All);
        }
    }
}
