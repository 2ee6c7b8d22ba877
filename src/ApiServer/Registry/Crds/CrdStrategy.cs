using System.Text.Json.Nodes;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Strategies;
using Knet.ApiServer.Storage;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>CustomResourceDefinitions: established at once unless a name is taken, and served as soon as they are acknowledged.</summary>
internal sealed class CrdStrategy(RegistryParts parts) : KindStrategy
{
    public const string Table = "apiextensions.k8s.io/customresourcedefinitions";

    /// <summary>Holds a CRD until its objects are gone.</summary>
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override bool HasGeneration => true;

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        spec.Default("conversion", new JsonObject { ["strategy"] = "None" });
        if (spec.Object("names") is { } names && names.Text("kind") is { } kind)
        {
            names.Default("singular", kind.ToLowerInvariant());
            names.Default("listKind", kind + "List");
        }
    }

    public override void PrepareCreate(WriteContext write)
    {
        var metadata = write.Object.Metadata();
        var finalizers = metadata.Texts("finalizers").ToList();
        if (!finalizers.Contains(Finalizer))
        {
            metadata["finalizers"] = JsonMembers.ToArray([.. finalizers, Finalizer]);
        }

        Prepare(write);
    }

    public override void PrepareUpdate(WriteContext write) => Prepare(write);

    public override void MarkDeleted(JsonObject value, DateTimeOffset now) => CrdNames.SetCondition(
        value, CrdNames.Terminating, true, "InstanceDeletionInProgress", "CustomResource deletion is in progress", now);

    public override void Validate(WriteContext write, FieldErrors errors) => new CrdValidation(write, errors).Check();

    public override async Task AfterWriteAsync(WriteContext write, JsonObject value)
    {
        Serve(value, isSameSchema: JsonNode.DeepEquals(write.Old?["spec"], value["spec"]));
        await ReconsiderAsync(value, write.Now);
    }

    public override async Task AfterRemovalAsync(JsonObject last)
    {
        StopServing(last.Name());
        await ReconsiderAsync(last, parts.Time.GetUtcNow());
    }

    private void Prepare(WriteContext write)
    {
        Default(write.Object);
        CrdNames.SetStatus(write.Object, OthersOf(write.Object).Select(o => ObjectBodies.Parse(o.Document)), write.Now);
    }

    private void Serve(JsonObject crd, bool isSameSchema)
    {
        var since = isSameSchema ? Served(crd.Name())?.Since : null;
        if (CrdKinds.Of(crd, since ?? parts.Store.Revision) is { Count: > 0 } kinds)
        {
            parts.Kinds.Replace(crd.Name(), kinds);
        }
        else
        {
            StopServing(crd.Name());
        }
    }

    private void StopServing(string crd)
    {
        var last = Served(crd);
        parts.Kinds.Replace(crd, []);
        if (last is not null)
        {
            parts.Store.EndWatches(KindSource.TableOf(last.Type));
        }
    }

    private KindInfo? Served(string crd) => parts.Kinds.Catalog.All.FirstOrDefault(k => k.Definition == crd);

    // A name that this CRD had, and has no more, may be what another of its group waits for.
    private async Task ReconsiderAsync(JsonObject crd, DateTimeOffset now)
    {
        foreach (var stored in OthersOf(crd).ToList())
        {
            var other = ObjectBodies.Parse(stored.Document);
            if (CrdNames.IsTrue(other, CrdNames.NamesAccepted) || other.IsDeleting())
            {
                continue;
            }

            CrdNames.SetStatus(other, OthersOf(other).Select(o => ObjectBodies.Parse(o.Document)), now);
            if (!CrdNames.IsTrue(other, CrdNames.NamesAccepted))
            {
                continue;
            }

            // Served before anybody can read that it is. A writer who is faster than this one comes to the same end.
            Serve(other, isSameSchema: true);
            await parts.Store.WriteAsync(
                new StoreWrite(Table, stored.Key, EncodedObject.From(other), stored.Revision, Durability.Committed));
        }
    }

    private IEnumerable<StoredObject> OthersOf(JsonObject crd)
    {
        var (name, group) = (crd.Name(), crd.Object("spec").Text("group"));
        return parts.Store.Snapshot(Table).Range("").Where(o => o.Key.Name != name
            && o.Key.Name.EndsWith("." + group, StringComparison.Ordinal)
            && ObjectBodies.Parse(o.Document).Object("spec").Text("group") == group);
    }
}
