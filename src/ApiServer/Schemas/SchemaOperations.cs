using System.Text.Json.Nodes;

namespace Knet.ApiServer.Schemas;

/// <summary>What a schema does to an object: pruning, defaulting and validation. All in place, all pure of I/O.</summary>
public static class SchemaOperations
{
    /// <summary>Removes members the schema does not know, and returns their paths (<c>spec.containers[0].foo</c>).</summary>
    public static IReadOnlyList<string> Prune(SchemaNode schema, JsonObject value)
    {
        var pruned = new List<string>();
        SchemaPruning.Prune(schema, value, FieldPath.Root, pruned, isResource: true);
        return pruned;
    }

    /// <summary>Removes members that are null where null is no value: in Kubernetes' own kinds that is the same as absent.</summary>
    public static void DropNulls(SchemaNode schema, JsonObject value) => SchemaDefaulting.Apply(schema, value, fillIn: false);

    /// <summary>Drops nulls where null is no value, then fills in the schema's defaults.</summary>
    public static void ApplyDefaults(SchemaNode schema, JsonObject value) => SchemaDefaulting.Apply(schema, value);

    /// <summary>Everything in the object that the schema forbids, in document order; empty when it is valid.</summary>
    /// <param name="old">
    /// The stored object: what has not changed since then is not judged again, so that a stricter schema does not lock up the objects
    /// that are there (Kubernetes: validation ratcheting).
    /// </param>
    public static IReadOnlyList<FieldError> Validate(SchemaNode schema, JsonObject value, JsonObject? old = null)
    {
        var errors = new List<FieldError>();
        new SchemaValidation(errors).Validate(schema, value, FieldPath.Root, old);
        return errors;
    }
}
