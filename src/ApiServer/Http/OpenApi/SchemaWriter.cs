using System.Text.Json;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>Writes schemas as OpenAPI definitions, and remembers which others they refer to.</summary>
/// <param name="within">The group and version whose document this is.</param>
/// <param name="prefix">Where definitions stand: <c>#/components/schemas/</c> or <c>#/definitions/</c>.</param>
/// <param name="written">Definitions that stand in the document already, when it has several writers.</param>
internal sealed class SchemaWriter(Utf8JsonWriter w, ResourceType within, string prefix, HashSet<string>? written = null)
{
    /// <summary>The <c>prefix</c> of OpenAPI v2.</summary>
    public const string V2Prefix = "#/definitions/";

    private readonly HashSet<string> _written = written ?? new(StringComparer.Ordinal);
    private readonly Queue<(string Name, SchemaNode Node)> _waiting = new();

    private bool IsV2 => prefix == V2Prefix;

    /// <summary>Writes a kind's definition and then all it refers to, as members of the object that is open.</summary>
    public void WriteKind(KindInfo kind)
    {
        if (kind.Schema is not { } schema || !_written.Add(DefinitionNames.OfKind(kind)))
        {
            return;
        }

        WriteDefinition(DefinitionNames.OfKind(kind), schema.Value, kind.Type);
        WriteWaiting();
    }

    private void WriteWaiting()
    {
        while (_waiting.TryDequeue(out var next))
        {
            WriteDefinition(next.Name, next.Node, null);
        }
    }

    private void WriteDefinition(string name, SchemaNode node, ResourceType? kind)
    {
        w.WriteStartObject(name);
        var model = BuiltInSchemas.ModelOf(node);
        WriteBody(node, model is null ? node.Description : ModelDescriptions.OfType(model), model);
        if (kind is not null)
        {
            w.WriteStartArray("x-kubernetes-group-version-kind");
            w.WriteStartObject();
            w.WriteString("group", kind.Group);
            w.WriteString("version", kind.Version);
            w.WriteString("kind", kind.Kind);
            w.WriteEndObject();
            w.WriteEndArray();
        }

        w.WriteEndObject();
    }

    private void WriteSchema(SchemaNode node, string? description)
    {
        w.WriteStartObject();
        if (BuiltInSchemas.ModelOf(node) is { } model)
        {
            WriteReference(node, model, description);
        }
        else
        {
            WriteBody(node, description ?? node.Description, null);
        }

        w.WriteEndObject();
    }

    private void WriteReference(SchemaNode node, Type model, string? description)
    {
        var name = DefinitionNames.OfModel(model, within);
        if (_written.Add(name))
        {
            _waiting.Enqueue((name, node));
        }

        if (description is null || IsV2)
        {
            // In Kubernetes' v2 documents it has siblings, and kubectl looks for them there.
            w.WriteString("$ref", prefix + name);
            Text("description", description);
            Text("x-kubernetes-patch-strategy", IsV2 ? node.PatchStrategy : null);
            return;
        }

        // In v3 a $ref may have no siblings.
        w.WriteString("description", description);
        w.WriteStartArray("allOf");
        w.WriteStartObject();
        w.WriteString("$ref", prefix + name);
        w.WriteEndObject();
        w.WriteEndArray();
        if (node.PatchStrategy is not null)
        {
            w.WriteString("x-kubernetes-patch-strategy", node.PatchStrategy);
        }
    }

    private void WriteBody(SchemaNode node, string? description, Type? model)
    {
        if (!string.IsNullOrEmpty(description))
        {
            w.WriteString("description", description);
        }

        if (node.IntOrString)
        {
            WriteIntOrString(node);
            return;
        }

        WriteScalars(node);
        WriteExtensions(node);
        if (node.Required.Count > 0)
        {
            WriteStrings("required", node.Required);
        }

        if (node.Properties.Count > 0)
        {
            var texts = model is null ? null : ModelDescriptions.OfMembers(model);
            w.WriteStartObject("properties");
            foreach (var (name, property) in node.Properties)
            {
                w.WritePropertyName(name);
                WriteSchema(property, texts?.GetValueOrDefault(name));
            }

            w.WriteEndObject();
        }

        WriteNested("additionalProperties", node.AdditionalProperties);
        WriteNested("items", node.Items);
        WriteNested("not", node.Not);
        WriteParts("allOf", node.AllOf);
        WriteParts("anyOf", node.AnyOf);
        WriteParts("oneOf", node.OneOf);
    }

    private void WriteIntOrString(SchemaNode node)
    {
        if (node.Format == "quantity")
        {
            w.WriteString("type", "string");
            return;
        }

        if (node.Format == "int-or-string")
        {
            w.WriteString("format", node.Format);
            if (IsV2)
            {
                w.WriteString("type", "string"); // v2 has no choice of types
                return;
            }
        }
        else
        {
            w.WriteBoolean("x-kubernetes-int-or-string", true);
        }

        w.WriteStartArray("oneOf");
        foreach (var type in new[] { "integer", "string" })
        {
            w.WriteStartObject();
            w.WriteString("type", type);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private void WriteScalars(SchemaNode node)
    {
        Text("type", node.Type.Length == 0 ? null : node.Type);
        Text("format", node.Format);
        Text("pattern", node.Pattern);
        if (node.Default is { } value)
        {
            w.WritePropertyName("default");
            value.WriteTo(w);
        }

        if (node.Enum is { } values)
        {
            w.WriteStartArray("enum");
            foreach (var allowed in values)
            {
                if (allowed is null)
                {
                    w.WriteNullValue();
                }
                else
                {
                    allowed.WriteTo(w);
                }
            }

            w.WriteEndArray();
        }

        Flag("nullable", node.Nullable);
        Flag("uniqueItems", node.UniqueItems);
        Flag("exclusiveMinimum", node.ExclusiveMinimum);
        Flag("exclusiveMaximum", node.ExclusiveMaximum);
        Number("minimum", node.Minimum);
        Number("maximum", node.Maximum);
        Number("multipleOf", node.MultipleOf);
        Number("minLength", node.MinLength);
        Number("maxLength", node.MaxLength);
        Number("minItems", node.MinItems);
        Number("maxItems", node.MaxItems);
        Number("minProperties", node.MinProperties);
        Number("maxProperties", node.MaxProperties);
    }

    private void WriteExtensions(SchemaNode node)
    {
        Text("x-kubernetes-list-type", node.ListType);
        if (node.ListMapKeys is { } keys)
        {
            WriteStrings("x-kubernetes-list-map-keys", keys);
        }

        Text("x-kubernetes-map-type", node.MapType);
        Text("x-kubernetes-patch-merge-key", node.PatchMergeKey);
        Text("x-kubernetes-patch-strategy", node.Type == "array" ? node.PatchStrategy : null);
        Flag("x-kubernetes-preserve-unknown-fields", node.PreserveUnknownFields && node.Type.Length > 0);
        Flag("x-kubernetes-embedded-resource", node.EmbeddedResource);
    }

    private void WriteNested(string name, SchemaNode? node)
    {
        if (node is not null)
        {
            w.WritePropertyName(name);
            WriteSchema(node, null);
        }
    }

    private void WriteParts(string name, List<SchemaNode>? parts)
    {
        if (parts is not { Count: > 0 })
        {
            return;
        }

        w.WriteStartArray(name);
        foreach (var part in parts)
        {
            WriteSchema(part, null);
        }

        w.WriteEndArray();
    }

    private void WriteStrings(string name, List<string> values)
    {
        w.WriteStartArray(name);
        foreach (var value in values)
        {
            w.WriteStringValue(value);
        }

        w.WriteEndArray();
    }

    private void Text(string name, string? value)
    {
        if (value is not null)
        {
            w.WriteString(name, value);
        }
    }

    private void Flag(string name, bool value)
    {
        if (value)
        {
            w.WriteBoolean(name, true);
        }
    }

    private void Number(string name, double? value)
    {
        if (value is { } number)
        {
            w.WriteNumber(name, number);
        }
    }
}
