using System.Text.Json.Nodes;
using Knet.ApiServer.Registry.Strategies;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>CustomResourceDefinitions: established at once, and served from the moment the creation is acknowledged.</summary>
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

        Default(write.Object);
        SetStatus(write);
    }

    public override void PrepareUpdate(WriteContext write)
    {
        Default(write.Object);
        SetStatus(write);
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        var names = spec.Object("names");
        Need(spec, "group", "spec.group", errors);
        Need(names, "plural", "spec.names.plural", errors);
        Need(names, "kind", "spec.names.kind", errors);
        var expected = $"{names.Text("plural")}.{spec.Text("group")}";
        if (write.Name != expected)
        {
            errors.Invalid("metadata.name", write.Name, "must be spec.names.plural+\".\"+spec.group");
        }

        if (spec.Text("scope") is not ("Namespaced" or "Cluster"))
        {
            errors.NotSupported("spec.scope", spec?["scope"]?.DeepClone() ?? "", "Cluster", "Namespaced");
        }

        ValidateVersions(spec, errors);
        if (write.Old.Object("spec") is { } old)
        {
            Unchanged(old, spec, "group", "spec.group", errors);
            Unchanged(old, spec, "scope", "spec.scope", errors);
            Unchanged(old.Object("names"), names, "plural", "spec.names.plural", errors);
            Unchanged(old.Object("names"), names, "kind", "spec.names.kind", errors);
        }
    }

    public override Task AfterWriteAsync(WriteContext write, JsonObject value)
    {
        parts.Kinds.Replace(write.Name, CrdKinds.Of(value));
        return Task.CompletedTask;
    }

    public override Task AfterRemovalAsync(JsonObject last)
    {
        var served = CrdKinds.Of(last);
        parts.Kinds.Replace(last.Name(), []);
        foreach (var kind in served)
        {
            parts.Store.EndWatches(Kinds.KindSource.TableOf(kind.Type));
        }

        return Task.CompletedTask;
    }

    private static void ValidateVersions(JsonObject? spec, FieldErrors errors)
    {
        var versions = spec.Items("versions").ToList();
        if (versions.Count(v => v.Flag("storage") == true) != 1)
        {
            errors.Invalid(
                "spec.versions", spec.Array("versions")?.DeepClone(), "must have exactly one version marked as storage version");
        }

        var seen = new HashSet<string>();
        for (var i = 0; i < versions.Count; i++)
        {
            var path = $"spec.versions[{i}]";
            Need(versions[i], "name", path + ".name", errors);
            if (versions[i].Text("name") is { } name && !seen.Add(name))
            {
                errors.Duplicate(path + ".name", name);
            }

            if (versions[i].Object("schema").Object("openAPIV3Schema") is not { } schema)
            {
                errors.Required(path + ".schema.openAPIV3Schema", "schemas are required");
                continue;
            }

            if (schema.Text("type") != "object")
            {
                errors.Invalid(path + ".schema.openAPIV3Schema.type", schema.Text("type") ?? "", "must be object at the root");
            }

            CrdSchemas.Parse(schema.DeepClone()); // refuses with its own words what is no schema
        }
    }

    private static void SetStatus(WriteContext write)
    {
        var spec = write.Object.Object("spec");
        var status = write.Object.Ensure("status");
        status["acceptedNames"] = spec.Object("names")?.DeepClone() ?? new JsonObject();
        var stored = status.Texts("storedVersions").ToList();
        if (spec.Items("versions").FirstOrDefault(v => v.Flag("storage") == true).Text("name") is { } storage && !stored.Contains(storage))
        {
            stored.Add(storage);
        }

        status["storedVersions"] = JsonMembers.ToArray(stored);
        if (status.Array("conditions") is null)
        {
            var now = JsonMembers.Time(write.Now);
            status["conditions"] = new JsonArray(
                Condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
                Condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now));
        }
    }

    private static JsonObject Condition(string type, string reason, string message, string now) => new()
    {
        ["type"] = type, ["status"] = "True", ["lastTransitionTime"] = now, ["reason"] = reason, ["message"] = message,
    };

    private static void Need(JsonObject? holder, string member, string path, FieldErrors errors)
    {
        if (holder.Text(member) is not { Length: > 0 })
        {
            errors.Required(path);
        }
    }

    private static void Unchanged(JsonObject? old, JsonObject? now, string member, string path, FieldErrors errors)
    {
        if (!JsonNode.DeepEquals(old?[member], now?[member]))
        {
            errors.Invalid(path, now?[member]?.DeepClone(), "field is immutable");
        }
    }
}
