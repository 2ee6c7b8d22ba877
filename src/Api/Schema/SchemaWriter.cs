using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Schema;

/// <summary>
/// Structural OpenAPI v3 schemas of types, as CustomResourceDefinitions want them: one type per node, no references, no unions but
/// int-or-string. Recursive types are cut: below the first repetition anything is kept.
/// </summary>
internal static class SchemaWriter
{
    private const string PreserveUnknown = "x-kubernetes-preserve-unknown-fields";
    private const string IntOrString = "x-kubernetes-int-or-string";

    // What resource.Quantity accepts, as Kubernetes writes it into its own schemas.
    private const string QuantityPattern =
        @"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

    /// <summary>The schema of a kind: <c>metadata</c> is left to the API server, as it must be at the root.</summary>
    public static JsonObject Root(Type kind)
    {
        var schema = Object(KubeJson.Options.GetTypeInfo(kind), []);
        schema["properties"]!["metadata"] = new JsonObject { ["type"] = "object" };
        return schema;
    }

    private static JsonObject Node(Type type, HashSet<Type> above)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (Scalar(type) is { } scalar)
        {
            return scalar;
        }

        if (type == typeof(V1ObjectMeta))
        {
            return TemplateMetadata();
        }

        var info = KubeJson.Options.GetTypeInfo(type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Dictionary:
                return new JsonObject { ["type"] = "object", ["additionalProperties"] = Node(ElementType(type, 1), above) };
            case JsonTypeInfoKind.Enumerable:
                return new JsonObject { ["type"] = "array", ["items"] = Node(ElementType(type, 0), above) };
            case JsonTypeInfoKind.Object when above.Add(type):
                var schema = Object(info, above);
                above.Remove(type);
                return schema;
            case JsonTypeInfoKind.Object:
                return new JsonObject { ["type"] = "object", [PreserveUnknown] = true };
            default:
                throw new InvalidOperationException($"{type} has a converter of its own: say in {nameof(SchemaWriter)} what it writes");
        }
    }

    private static JsonObject Object(JsonTypeInfo info, HashSet<Type> above)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var property in info.Properties)
        {
            if (property.Get is null)
            {
                continue;
            }

            var node = Node(property.PropertyType, above);
            if (property.AttributeProvider is MemberInfo member && FieldDescriptions.Find(member) is { } text)
            {
                node["description"] = text;
            }

            properties[property.Name] = node;
            if (IsRequired(property))
            {
                required.Add(property.Name);
            }
        }

        var schema = new JsonObject { ["type"] = "object" };
        if (FieldDescriptions.Find(info.Type) is { } description)
        {
            schema["description"] = description;
        }

        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        schema["properties"] = properties;
        return schema;
    }

    // A container's name is filled in by Knative's defaulting, so it may be missing on the wire.
    private static bool IsRequired(JsonPropertyInfo property) => property.IsRequired && property.DeclaringType != typeof(V1Container);

    private static JsonObject? Scalar(Type type) => type switch
    {
        _ when type == typeof(string) => Of("string"),
        _ when type == typeof(bool) => Of("boolean"),
        _ when type == typeof(int) => Of("integer", "int32"),
        _ when type == typeof(long) => Of("integer", "int64"),
        _ when type == typeof(float) || type == typeof(double) => Of("number", "double"),
        _ when type == typeof(DateTime) || type == typeof(DateTimeOffset) => Of("string", "date-time"),
        _ when type == typeof(byte[]) => Of("string", "byte"),
        _ when type == typeof(IntOrString) => IntOr(null),
        _ when type == typeof(ResourceQuantity) => IntOr(QuantityPattern),
        _ when type == typeof(object) || type == typeof(JsonElement) || typeof(JsonNode).IsAssignableFrom(type) =>
            new JsonObject { [PreserveUnknown] = true },
        _ => null,
    };

    private static JsonObject Of(string type, string? format = null)
    {
        var node = new JsonObject { ["type"] = type };
        if (format is not null)
        {
            node["format"] = format;
        }

        return node;
    }

    private static JsonObject IntOr(string? pattern)
    {
        var node = new JsonObject { ["anyOf"] = new JsonArray(Of("integer"), Of("string")), [IntOrString] = true };
        if (pattern is not null)
        {
            node["pattern"] = pattern;
        }

        return node;
    }

    // The metadata that a template may carry; the rest is kept for validation to refuse by name.
    private static JsonObject TemplateMetadata()
    {
        var map = Of("object");
        map["additionalProperties"] = Of("string");
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["annotations"] = map,
                ["finalizers"] = new JsonObject { ["type"] = "array", ["items"] = Of("string") },
                ["labels"] = map.DeepClone(),
                ["name"] = Of("string"),
                ["namespace"] = Of("string"),
            },
            [PreserveUnknown] = true,
        };
    }

    // Of a list the last argument is the element, of a dictionary the value.
    private static Type ElementType(Type type, int index)
    {
        if (type.IsArray)
        {
            return type.GetElementType()!;
        }

        var wanted = index == 0 ? typeof(IEnumerable<>) : typeof(IDictionary<,>);
        var shape = type.GetInterfaces().Append(type).First(i => i.IsGenericType && i.GetGenericTypeDefinition() == wanted);
        return shape.GetGenericArguments()[index];
    }
}
