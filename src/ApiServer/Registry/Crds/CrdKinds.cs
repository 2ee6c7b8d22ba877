using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>From a CustomResourceDefinition to the kinds it serves.</summary>
internal static class CrdKinds
{
    /// <summary>One per served version, the storage version named in each; none before the CRD is established.</summary>
    /// <param name="since">The store's revision at which the definition came to be.</param>
    public static IReadOnlyList<KindInfo> Of(JsonObject crd, long since)
    {
        var spec = crd.Object("spec");
        if (!CrdNames.IsTrue(crd, CrdNames.Established))
        {
            return [];
        }

        var names = crd.Object("status").Object("acceptedNames") ?? spec.Object("names");
        var storage = spec.Items("versions").FirstOrDefault(v => v.Flag("storage") == true).Text("name") ?? "";
        return [.. spec.Items("versions").Where(v => v.Flag("served") == true).Select(version => Kind(spec!, names!, version) with
        {
            StorageVersion = storage, Definition = crd.Name(), IsTerminating = crd.IsDeleting(), Since = since,
        })];
    }

    private static KindInfo Kind(JsonObject spec, JsonObject names, JsonObject version)
    {
        var type = new ResourceType(
            spec.Text("group") ?? "", version.Text("name") ?? "", names.Text("plural") ?? "", names.Text("kind") ?? "",
            spec.Text("scope") == "Namespaced");
        var schema = version.Object("schema").Object("openAPIV3Schema")?.DeepClone();
        var scale = version.Object("subresources").Object("scale");
        return new KindInfo(type)
        {
            Singular = names.Text("singular") ?? type.Kind.ToLowerInvariant(),
            ShortNames = [.. names.Texts("shortNames")],
            Categories = [.. names.Texts("categories")],
            Subresources = Subresources(version.Object("subresources"), type),
            Scale = scale is null
                ? null
                : new ScalePaths(
                    scale.Text("specReplicasPath") ?? "", scale.Text("statusReplicasPath") ?? "", scale.Text("labelSelectorPath")),
            Schema = schema is null ? null : new Lazy<SchemaNode>(() => CrdSchemas.Parse(schema)),
            PrinterColumns = [.. version.Items("additionalPrinterColumns").Select(Column)],
            IsCustom = true,
            DeprecationWarning = version.Flag("deprecated") == true ? version.Text("deprecationWarning") ?? Deprecation(spec, type) : null,
        };
    }

    private static string Deprecation(JsonObject spec, ResourceType type)
    {
        var newer = spec.Items("versions").Where(v => v.Flag("served") == true && v.Flag("deprecated") != true)
            .Select(v => v.Text("name") ?? "").Where(v => VersionOrder.Instance.Compare(v, type.Version) < 0)
            .Order(VersionOrder.Instance).FirstOrDefault();
        return $"{type.ApiVersion} {type.Kind} is deprecated" + (newer is null ? "" : $"; use {type.Group}/{newer} {type.Kind}");
    }

    private static Dictionary<string, ResourceType> Subresources(JsonObject? declared, ResourceType type)
    {
        var subresources = new Dictionary<string, ResourceType>();
        if (declared?["status"] is not null)
        {
            subresources["status"] = type;
        }

        if (declared?["scale"] is not null)
        {
            subresources["scale"] = new ResourceType("autoscaling", "v1", "", "Scale", type.Namespaced);
        }

        return subresources;
    }

    private static PrinterColumn Column(JsonObject column) => new(
        column.Text("name") ?? "", column.Text("type") ?? "string", column.Text("jsonPath") ?? "", column.Text("description") ?? "",
        (int)(column.Number("priority") ?? 0), column.Text("format") ?? "");
}
