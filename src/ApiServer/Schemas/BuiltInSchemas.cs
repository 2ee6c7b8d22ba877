using System.Reflection;
using System.Text.Json.Serialization;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.ApiServer.Schemas;

/// <summary>Schemas of Kubernetes' own kinds, made from KubernetesClient's models and <see cref="BuiltInFacts"/> when first asked for.</summary>
public static class BuiltInSchemas
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<Type, SchemaNode> Nodes = [];
    private static readonly Dictionary<SchemaNode, Type> Types = [];

    /// <summary>Every object's metadata.</summary>
    public static SchemaNode ObjectMeta { get; } = For(typeof(V1ObjectMeta));

    /// <summary>The schema of a kind, or null when KubernetesClient has no model of it.</summary>
    public static Lazy<SchemaNode>? For(ResourceType type) => ModelOf(type) is { } model ? new(() => For(model)) : null;

    /// <summary>The schema of any model class; the same instance at every call.</summary>
    public static SchemaNode For(Type model)
    {
        lock (Gate)
        {
            return NodeOf(model);
        }
    }

    /// <summary>The model class that a named node was made from, or null for a custom resource's node.</summary>
    internal static Type? ModelOf(SchemaNode node)
    {
        lock (Gate)
        {
            return Types.GetValueOrDefault(node);
        }
    }

    /// <summary>The model class of a kind: <c>V1Pod</c>, <c>Corev1Event</c>, <c>Authenticationv1TokenRequest</c>.</summary>
    internal static Type? ModelOf(ResourceType type)
    {
        var group = type.Group.Length == 0 ? "core" : type.Group.Split('.')[0];
        string[] names = [$"{Capital(type.Version)}{type.Kind}", $"{Capital(group)}{type.Version}{type.Kind}"];
        foreach (var name in names)
        {
            var model = typeof(V1Pod).Assembly.GetType($"k8s.Models.{name}");
            if (model?.GetCustomAttribute<KubernetesEntityAttribute>() is { } entity && entity.Kind == type.Kind
                && (entity.Group ?? "") == type.Group && entity.ApiVersion == type.Version)
            {
                return model;
            }
        }

        return null;
    }

    /// <summary>The members of a model in wire order: JSON name and property.</summary>
    internal static IEnumerable<(string Name, PropertyInfo Property)> MembersOf(Type model) =>
        model.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(p => (p.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? "", p))
            .Where(m => m.Item1.Length > 0);

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    private static SchemaNode NodeOf(Type type)
    {
        if (Scalar(Nullable.GetUnderlyingType(type) ?? type) is { } scalar)
        {
            return scalar;
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IDictionary<,>))
        {
            return new SchemaNode { Type = "object", AdditionalProperties = NodeOf(type.GetGenericArguments()[1]) };
        }

        if (type.IsGenericType)
        {
            return new SchemaNode { Type = "array", Items = NodeOf(type.GetGenericArguments()[0]) };
        }

        return Nodes.TryGetValue(type, out var known) ? known : ObjectOf(type);
    }

    private static SchemaNode ObjectOf(Type model)
    {
        var node = new SchemaNode { Type = "object", Definition = model.Name };
        Nodes[model] = node;
        Types[node] = model;
        node.Required.AddRange(BuiltInFacts.Required(model.Name));
        node.MapType = BuiltInFacts.IsAtomic(model.Name) ? "atomic" : null;
        node.PatchStrategy = model.Name == "V1DeploymentStrategy" ? "retainKeys" : null;
        foreach (var (name, property) in MembersOf(model))
        {
            var member = NodeOf(property.PropertyType);
            if (member.Definition is null)
            {
                BuiltInFacts.ApplyTo(member, model.Name, name);
            }

            node.Properties[name] = member;
            if (property.PropertyType.IsValueType && Nullable.GetUnderlyingType(property.PropertyType) is null && !node.Required.Contains(name))
            {
                node.Required.Add(name);
            }
        }

        return node;
    }

    private static SchemaNode? Scalar(Type type)
    {
        if (type == typeof(string))
        {
            return new SchemaNode { Type = "string" };
        }

        if (type == typeof(int) || type == typeof(long))
        {
            return new SchemaNode { Type = "integer", Format = type == typeof(int) ? "int32" : "int64" };
        }

        if (type == typeof(bool))
        {
            return new SchemaNode { Type = "boolean" };
        }

        if (type == typeof(double) || type == typeof(float))
        {
            return new SchemaNode { Type = "number", Format = "double" };
        }

        if (type == typeof(DateTime))
        {
            return new SchemaNode { Type = "string", Format = "date-time" };
        }

        if (type == typeof(byte[]))
        {
            return new SchemaNode { Type = "string", Format = "byte" };
        }

        if (type == typeof(IntOrString))
        {
            return new SchemaNode { IntOrString = true, Format = "int-or-string" };
        }

        if (type == typeof(ResourceQuantity))
        {
            return new SchemaNode { IntOrString = true, Format = "quantity" };
        }

        return type == typeof(object) ? new SchemaNode { PreserveUnknownFields = true } : null;
    }
}
