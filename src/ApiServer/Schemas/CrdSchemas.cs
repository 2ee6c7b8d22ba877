using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Kube.Client;

namespace Knet.ApiServer.Schemas;

/// <summary>Reads the <c>openAPIV3Schema</c> of a CustomResourceDefinition.</summary>
public static class CrdSchemas
{
    /// <summary>The schema as nodes; <c>apiVersion</c>, <c>kind</c> and <c>metadata</c> are what every object has.</summary>
    /// <exception cref="KubeException">400: a member has the wrong JSON type.</exception>
    public static SchemaNode Parse(JsonNode openApiV3Schema)
    {
        var root = ParseNode(openApiV3Schema, "openAPIV3Schema");
        if (root.Properties.GetValueOrDefault("metadata") is { Properties.Count: > 0 } metadata)
        {
            // Rules for the name; what else the metadata may be is Kubernetes' own.
            var names = new SchemaNode();
            names.Properties["metadata"] = metadata;
            (root.AllOf ??= []).Add(names);
        }

        AddResourceMembers(root);
        return root;
    }

    private static void AddResourceMembers(SchemaNode node)
    {
        node.Properties.TryAdd("apiVersion", new SchemaNode { Type = "string" });
        node.Properties.TryAdd("kind", new SchemaNode { Type = "string" });
        node.Properties["metadata"] = BuiltInSchemas.ObjectMeta;
    }

    private static SchemaNode ParseNode(JsonNode? source, string path)
    {
        if (source is JsonValue flag && flag.GetValueKind() is JsonValueKind.True)
        {
            return new SchemaNode { PreserveUnknownFields = true };
        }

        if (source is not JsonObject map)
        {
            throw Wrong(path, "must be an object");
        }

        var node = new SchemaNode();
        foreach (var (name, value) in map)
        {
            if (value is not null && !ReadScalar(node, name, value, path) && !ReadExtension(node, name, value, path))
            {
                ReadNested(node, name, value, path);
            }
        }

        if (node.EmbeddedResource)
        {
            AddResourceMembers(node);
        }

        if (node.IntOrString)
        {
            // Validated as one type; the anyOf that the CRD must carry next to the flag says the same again.
            node.Type = "";
            node.AnyOf = null;
        }

        return node;
    }

    private static bool ReadScalar(SchemaNode node, string name, JsonNode value, string path)
    {
        switch (name)
        {
            case "type": node.Type = Read<string>(value, path, name); return true;
            case "format": node.Format = Read<string>(value, path, name); return true;
            case "description": node.Description = Read<string>(value, path, name); return true;
            case "pattern": node.Pattern = Read<string>(value, path, name); return true;
            case "nullable": node.Nullable = Read<bool>(value, path, name); return true;
            case "uniqueItems": node.UniqueItems = Read<bool>(value, path, name); return true;
            case "exclusiveMinimum": node.ExclusiveMinimum = Read<bool>(value, path, name); return true;
            case "exclusiveMaximum": node.ExclusiveMaximum = Read<bool>(value, path, name); return true;
            case "minimum": node.Minimum = Read<double>(value, path, name); return true;
            case "maximum": node.Maximum = Read<double>(value, path, name); return true;
            case "multipleOf": node.MultipleOf = Read<double>(value, path, name); return true;
            case "minLength": node.MinLength = Read<long>(value, path, name); return true;
            case "maxLength": node.MaxLength = Read<long>(value, path, name); return true;
            case "minItems": node.MinItems = Read<long>(value, path, name); return true;
            case "maxItems": node.MaxItems = Read<long>(value, path, name); return true;
            case "minProperties": node.MinProperties = Read<long>(value, path, name); return true;
            case "maxProperties": node.MaxProperties = Read<long>(value, path, name); return true;
            case "default": node.Default = value.DeepClone(); return true;
            default: return false;
        }
    }

    private static bool ReadExtension(SchemaNode node, string name, JsonNode value, string path)
    {
        switch (name)
        {
            case "x-kubernetes-preserve-unknown-fields": node.PreserveUnknownFields = Read<bool>(value, path, name); return true;
            case "x-kubernetes-embedded-resource": node.EmbeddedResource = Read<bool>(value, path, name); return true;
            case "x-kubernetes-int-or-string": node.IntOrString = Read<bool>(value, path, name); return true;
            case "x-kubernetes-list-type": node.ListType = Read<string>(value, path, name); return true;
            case "x-kubernetes-map-type": node.MapType = Read<string>(value, path, name); return true;
            case "x-kubernetes-list-map-keys": node.ListMapKeys = Strings(value, path, name); return true;
            default: return false;
        }
    }

    private static void ReadNested(SchemaNode node, string name, JsonNode value, string path)
    {
        switch (name)
        {
            case "properties":
                foreach (var (property, schema) in value as JsonObject ?? throw Wrong($"{path}.{name}", "must be an object"))
                {
                    node.Properties[property] = ParseNode(schema, $"{path}.{name}[{property}]");
                }

                break;
            case "additionalProperties":
                // "false" says what pruning does anyway.
                node.AdditionalProperties = value.GetValueKind() == JsonValueKind.False ? null : ParseNode(value, $"{path}.{name}");
                break;
            case "items": node.Items = ParseNode(value, $"{path}.{name}"); break;
            case "not": node.Not = ParseNode(value, $"{path}.{name}"); break;
            case "required": node.Required.AddRange(Strings(value, path, name)); break;
            case "enum": node.Enum = [.. Array(value, path, name).Select(v => v?.DeepClone())]; break;
            case "allOf": node.AllOf = Parts(value, path, name); break;
            case "anyOf": node.AnyOf = Parts(value, path, name); break;
            case "oneOf": node.OneOf = Parts(value, path, name); break;
        }
    }

    private static List<SchemaNode> Parts(JsonNode value, string path, string name) =>
        [.. Array(value, path, name).Select((part, i) => ParseNode(part, $"{path}.{name}[{i}]"))];

    private static List<string> Strings(JsonNode value, string path, string name) =>
        [.. Array(value, path, name).Select((v, i) => Read<string>(v!, path, $"{name}[{i}]"))];

    private static JsonArray Array(JsonNode value, string path, string name) =>
        value as JsonArray ?? throw Wrong($"{path}.{name}", "must be an array");

    private static T Read<T>(JsonNode value, string path, string name)
    {
        if (value is JsonValue scalar && scalar.TryGetValue<T>(out var result))
        {
            return result;
        }

        // Numbers that were made in memory have one CLR type; through text they have any.
        if (value is JsonValue && value.GetValueKind() == JsonValueKind.Number && typeof(T) != typeof(string))
        {
            return JsonSerializer.Deserialize<T>(value.ToJsonString())!;
        }

        throw Wrong($"{path}.{name}", $"must be of type {typeof(T).Name.ToLowerInvariant()}");
    }

    private static KubeException Wrong(string path, string message) => KubeException.Of(400, "BadRequest", $"spec.validation.{path}: {message}");
}
