using System.Text.RegularExpressions;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>The names that definitions have in OpenAPI documents: <c>io.k8s.api.core.v1.PodSpec</c>, <c>dev.knative.serving.v1.Service</c>.</summary>
internal static partial class DefinitionNames
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta";

    private static readonly HashSet<string> MetaTypes = new(StringComparer.Ordinal)
    {
        "V1ObjectMeta", "V1ListMeta", "V1OwnerReference", "V1ManagedFieldsEntry", "V1LabelSelector", "V1LabelSelectorRequirement",
        "V1Condition", "V1DeleteOptions", "V1Preconditions", "V1Status", "V1StatusDetails", "V1StatusCause",
    };

    private static readonly Lazy<HashSet<Type>> CoreTypes = new(() =>
    {
        var found = new HashSet<Type>();
        foreach (var root in new[] { typeof(V1PodTemplateSpec), typeof(V1PersistentVolumeClaim), typeof(V1ObjectReference), typeof(V1Secret) })
        {
            Collect(BuiltInSchemas.For(root), found);
        }

        return found;
    });

    /// <summary>The name of a kind's own definition.</summary>
    public static string OfKind(KindInfo kind)
    {
        var type = kind.Type;
        return kind.IsCustom
            ? $"{string.Join('.', type.Group.Split('.').Reverse())}.{type.Version}.{type.Kind}"
            : $"{Package(type)}.{type.Version}.{type.Kind}";
    }

    /// <summary>The name of a model's definition as a document of a group and version refers to it.</summary>
    public static string OfModel(Type model, ResourceType within)
    {
        var match = Parts().Match(model.Name);
        var (version, name) = match.Success ? ("v" + match.Groups["version"].Value, match.Groups["name"].Value) : (within.Version, model.Name);
        return MetaTypes.Contains(model.Name) ? $"{Meta}.{version}.{name}"
            : CoreTypes.Value.Contains(model) ? $"io.k8s.api.core.{version}.{name}"
            : $"{Package(within)}.{version}.{name}";
    }

    /// <summary>All models that a schema leads to.</summary>
    public static void Collect(SchemaNode? node, HashSet<Type> found)
    {
        if (node is null || (BuiltInSchemas.ModelOf(node) is { } model && !found.Add(model)))
        {
            return;
        }

        foreach (var property in node.Properties.Values)
        {
            Collect(property, found);
        }

        Collect(node.Items, found);
        Collect(node.AdditionalProperties, found);
    }

    private static string Package(ResourceType type) => type.Group switch
    {
        "apiextensions.k8s.io" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
        "" => "io.k8s.api.core",
        var group => "io.k8s.api." + group.Split('.')[0],
    };

    [GeneratedRegex("^(?:[A-Z][a-z]+)?[Vv](?<version>[0-9]+(?:(?:alpha|beta)[0-9]+)?)(?<name>[A-Z].*)$")]
    private static partial Regex Parts();
}
