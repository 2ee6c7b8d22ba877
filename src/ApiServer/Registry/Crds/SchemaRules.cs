using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>
/// Checks that the schema of a CRD is structural: every field has a type, and logical combinations only restrict what the structure
/// around them names. Pruning, defaulting and server-side apply depend on it.
/// </summary>
/// <remarks>Rules and texts: kubernetes.io, "Specifying a structural schema", and Kubernetes' apiextensions validation.</remarks>
internal sealed class SchemaRules(FieldErrors errors)
{
    private const string StructuralOnly = "to be structural";
    private static readonly string[] Types = ["array", "boolean", "integer", "number", "object", "string"];
    private static readonly string[] Unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
    private static readonly string[] Junctors = ["allOf", "anyOf", "oneOf"];
    private static readonly string[] ForbiddenInside =
    [
        "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "nullable",
    ];

    private static readonly string[] EmptyInside = ["type", "title", "description"];

    // With the status subresource the rules for the status are those of its own schema: nothing above it may judge it.
    private static readonly string[] RootMembers =
    [
        "description", "type", "format", "title", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
        "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "required", "items", "properties", "externalDocs", "example",
        "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
    ];

    private enum Place
    {
        Root,
        Item,
        Member,
    }

    /// <summary>Where the first CEL rule stands, or null.</summary>
    public string? FirstExpression { get; private set; }

    /// <exception cref="Knet.Kube.Client.KubeException">400: a member has the wrong JSON type.</exception>
    public void Check(JsonObject schema, string path, bool hasStatus)
    {
        var before = errors.All.Count;
        if (hasStatus && schema.Select(m => m.Key).FirstOrDefault(k => !RootMembers.Contains(k)) is { } other
            && !(other is "nullable" && schema.Flag("nullable") != true))
        {
            errors.Forbidden(
                $"{path}.{other}",
                $"only [{string.Join(' ', RootMembers)}] fields are allowed at the root of the schema if the status subresource is enabled");
        }

        if (schema.Flag("nullable") == true)
        {
            errors.Forbidden(path + ".nullable", "nullable cannot be true at the root");
        }

        Structure(schema, path, Place.Root, false);
        var parsed = CrdSchemas.Parse(schema.DeepClone());
        if (errors.All.Count == before)
        {
            new SchemaDefaultRules(errors).Check(parsed, path);
        }
    }

    // A node of the structure itself.
    private void Structure(JsonObject schema, string path, Place place, bool inMetadata)
    {
        Common(schema, path, inMetadata);
        CheckType(schema, path, place);
        var properties = schema.Object("properties");
        var isResource = place == Place.Root || schema.Flag("x-kubernetes-embedded-resource") == true;
        if (schema.Flag("x-kubernetes-embedded-resource") == true)
        {
            CheckEmbedded(schema, path, inMetadata);
        }

        if (isResource)
        {
            CheckResourceMembers(properties, path + ".properties", place == Place.Root);
        }

        foreach (var (name, property) in properties ?? [])
        {
            var inside = inMetadata || (isResource && name == "metadata");
            Descend(property, $"{path}.properties[{name}]", Place.Member, inside);
            if (place == Place.Root && name is "apiVersion" or "kind" or "metadata" && (property as JsonObject)?["default"] is not null)
            {
                errors.Forbidden($"{path}.properties[{name}].default", $"must not be set in top-level {name}");
            }
        }

        if (schema["items"] is JsonArray)
        {
            errors.Forbidden(path + ".items", "items must be a schema object and not an array");
        }
        else if (schema["items"] is { } items)
        {
            Descend(items, path + ".items", Place.Item, inMetadata);
        }
        else if (schema.Text("type") == "array")
        {
            errors.Required(path + ".items", "must be specified");
        }

        CheckAdditional(schema, path, place, inMetadata);
        ListTypeRules.Check(schema, path, errors);
        CombinationsOf(schema, schema, path, path);
    }

    private void Descend(JsonNode? schema, string path, Place place, bool inMetadata)
    {
        if (schema is JsonObject node)
        {
            Structure(node, path, place, inMetadata);
        }
    }

    private void CheckType(JsonObject schema, string path, Place place)
    {
        var type = schema.Text("type") ?? "";
        if (type.Length == 0)
        {
            if (schema.Flag("x-kubernetes-int-or-string") != true && schema.Flag("x-kubernetes-preserve-unknown-fields") != true)
            {
                errors.Required(path + ".type", place switch
                {
                    Place.Root => "must not be empty at the root",
                    Place.Item => "must not be empty for specified array items",
                    _ => "must not be empty for specified object fields",
                });
            }
        }
        else if (place == Place.Root && type != "object")
        {
            errors.Invalid(path + ".type", type, "must be object at the root");
        }

        if (schema.Flag("x-kubernetes-int-or-string") != true)
        {
            return;
        }

        foreach (var other in ForbiddenInside[..2].Where(m => schema.Flag(m) == true))
        {
            errors.Invalid($"{path}.{other}", true, "must be false if x-kubernetes-int-or-string is true");
        }
    }

    private void CheckEmbedded(JsonObject schema, string path, bool inMetadata)
    {
        if (inMetadata)
        {
            errors.Forbidden(path + ".x-kubernetes-embedded-resource", "must not be used inside of resource meta");
        }

        if (schema.Text("type") is not { Length: > 0 } type)
        {
            errors.Required(path + ".type", "must be object if x-kubernetes-embedded-resource is true");
        }
        else if (type != "object")
        {
            errors.Invalid(path + ".type", type, "must be object if x-kubernetes-embedded-resource is true");
        }

        if (schema["additionalProperties"] is not null)
        {
            errors.Forbidden(path + ".additionalProperties", "must not be used if x-kubernetes-embedded-resource is set");
        }

        if (schema.Flag("x-kubernetes-preserve-unknown-fields") != true && schema.Object("properties") is not { Count: > 0 })
        {
            errors.Required(
                path + ".properties",
                "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
        }
    }

    private void CheckResourceMembers(JsonObject? properties, string path, bool isRoot)
    {
        foreach (var (name, type) in ((string, string)[])[("apiVersion", "string"), ("kind", "string"), ("metadata", "object")])
        {
            if (properties.Object(name) is { } member && member.Text("type") != type)
            {
                errors.Invalid($"{path}[{name}].type", member.Text("type") ?? "", "must be " + type);
            }
        }

        // Only rules for the name are of any effect; the rest of the metadata is Kubernetes' own.
        if (isRoot && properties.Object("metadata") is { } metadata
            && (metadata.Any(m => m.Key is not ("type" or "properties" or "description" or "default"))
                || (metadata.Object("properties") ?? []).Any(p => p.Key is not ("name" or "generateName"))))
        {
            errors.Forbidden(
                path + "[metadata]", "must not specify anything other than name and generateName, but metadata is implicitly specified");
        }
    }

    private void CheckAdditional(JsonObject schema, string path, Place place, bool inMetadata)
    {
        if (schema["additionalProperties"] is not { } additional)
        {
            return;
        }

        path += ".additionalProperties";
        if (place == Place.Root)
        {
            errors.Forbidden(path, "must not be used at the root");
        }

        if (schema.Object("properties") is { Count: > 0 } && additional.GetValueKind() != JsonValueKind.True)
        {
            errors.Forbidden(path, "additionalProperties and properties are mutual exclusive");
        }

        Descend(additional, path, Place.Member, inMetadata);
    }

    // What every node may not have, be it part of the structure or of a combination.
    private void Common(JsonObject schema, string path, bool inMetadata)
    {
        if (schema.Text("type") is { Length: > 0 } type && !Types.Contains(type))
        {
            errors.NotSupported(path + ".type", type, Types);
            if (type == "null")
            {
                errors.Forbidden(path + ".type", "type cannot be set to null, use nullable as an alternative");
            }
        }

        foreach (var name in Unsupported.Where(n => schema[n] is not null))
        {
            errors.Forbidden($"{path}.{name}", $"{name} is not supported");
        }

        if (schema.Flag("uniqueItems") == true)
        {
            errors.Forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        }

        if (schema.Flag("x-kubernetes-preserve-unknown-fields") == false)
        {
            errors.Invalid(path + ".x-kubernetes-preserve-unknown-fields", false, "must be true or undefined");
        }

        if (schema.Text("pattern") is { Length: > 0 } pattern && WrongPattern(pattern) is { } problem)
        {
            errors.Invalid(path + ".pattern", pattern, $"must be a valid regular expression, but isn't: {problem}");
        }

        var i = 0;
        foreach (var rule in schema.Items("x-kubernetes-validations"))
        {
            var at = $"{path}.x-kubernetes-validations[{i++}]";
            FirstExpression ??= at;
            if (string.IsNullOrWhiteSpace(rule.Text("rule")))
            {
                errors.Required(at + ".rule", "rule is not specified");
            }
        }
    }

    private static string? WrongPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.CultureInvariant);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    // allOf, anyOf, oneOf and not below a node, which may only speak of what the structure has.
    private void CombinationsOf(JsonObject node, JsonObject? structure, string path, string structurePath)
    {
        foreach (var name in Junctors)
        {
            if (name == "anyOf" && IsIntOrString(node.Array(name)))
            {
                continue;
            }

            var i = 0;
            foreach (var part in node.Array(name)?.OfType<JsonObject>() ?? [])
            {
                var skip = name == "allOf" && i == 0 && IsIntOrString(part.Array("anyOf"));
                Combination(skip ? Without(part, "anyOf") : part, structure, $"{path}.{name}[{i++}]", structurePath);
            }
        }

        if (node.Object("not") is { } not)
        {
            Combination(not, structure, path + ".not", structurePath);
        }
    }

    private static JsonObject Without(JsonObject node, string member)
    {
        var copy = node.DeepClone().AsObject();
        copy.Remove(member);
        return copy;
    }

    private static bool IsIntOrString(JsonArray? parts) => parts is [JsonObject { Count: 1 } first, JsonObject { Count: 1 } second]
        && first.Text("type") == "integer" && second.Text("type") == "string";

    private void Combination(JsonObject node, JsonObject? structure, string path, string structurePath)
    {
        if (structure is null)
        {
            errors.Required(structurePath, $"because it is defined in {path}");
            return;
        }

        Common(node, path, inMetadata: false);
        CheckForbidden(node, path);
        if (node.Object("items") is { } items)
        {
            Combination(items, structure.Object("items"), path + ".items", structurePath + ".items");
        }

        foreach (var (name, property) in node.Object("properties") ?? [])
        {
            var at = $"{path}.properties[{name}]";
            if (name == "metadata")
            {
                errors.Forbidden(at, "must not be specified in a nested context");
            }

            if (property is JsonObject below)
            {
                Combination(below, structure.Object("properties").Object(name), at, $"{structurePath}.properties[{name}]");
            }
        }

        CombinationsOf(node, structure, path, structurePath);
    }

    private void CheckForbidden(JsonObject node, string path)
    {
        foreach (var name in EmptyInside.Where(n => node.Text(n) is { Length: > 0 }))
        {
            errors.Forbidden($"{path}.{name}", "must be empty " + StructuralOnly);
        }

        foreach (var name in ForbiddenInside.Where(n => node.Flag(n) == true))
        {
            errors.Forbidden($"{path}.{name}", "must be false " + StructuralOnly);
        }

        foreach (var name in ((string[])["additionalProperties", "default", "x-kubernetes-list-type", "x-kubernetes-map-type"])
            .Where(n => node[n] is not null))
        {
            errors.Forbidden($"{path}.{name}", "must be undefined " + StructuralOnly);
        }

        foreach (var name in ((string[])["x-kubernetes-list-map-keys", "x-kubernetes-validations"]).Where(n => node.Array(n) is { Count: > 0 }))
        {
            errors.Forbidden($"{path}.{name}", "must be empty " + StructuralOnly);
        }
    }
}
