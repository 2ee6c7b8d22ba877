using System.Reflection;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Eventing;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;

namespace Knet.Api.Schema;

/// <summary>
/// Writes CustomResourceDefinitions (apiextensions.k8s.io/v1) from our kinds: names, columns and categories from their attributes, the
/// schema from the same type information that writes their JSON, so that the two cannot disagree.
/// </summary>
public static class CrdWriter
{
    private const string Addressable = "duck.knative.dev/addressable";

    private static readonly string[] EventingGroups =
    [
        EventingKeys.Group, EventingKeys.MessagingGroup, EventingKeys.FlowsGroup, EventingKeys.SourcesGroup, EventingKeys.SinksGroup,
    ];

    /// <summary>All of Serving: Service, Configuration, Revision, Route, PodAutoscaler, Metric, ServerlessService, Ingress.</summary>
    public static IReadOnlyList<JsonObject> ForServing() =>
    [
        Write(typeof(KnService), Addressable, "duck.knative.dev/podspecable"),
        Write(typeof(KnConfiguration), "duck.knative.dev/podspecable"),
        Write(typeof(KnRevision)),
        Write(typeof(KnRoute), Addressable),
        Write(typeof(KnPodAutoscaler)),
        Write(typeof(KnMetric)),
        Write(typeof(KnServerlessService)),
        Write(typeof(KnIngress)),
        Write(typeof(KnCertificate)),
        Write(typeof(KnDomainMapping)),
        Write(typeof(KnClusterDomainClaim)),
    ];

    /// <summary>All of Eventing that this program serves.</summary>
    public static IReadOnlyList<JsonObject> ForEventing() =>
    [
        Write(typeof(KnBroker), Addressable),
        Write(typeof(KnTrigger)),
    ];

    /// <summary>Every kind that this program brings.</summary>
    public static IReadOnlyList<JsonObject> All() => [.. ForServing(), .. ForEventing()];

    /// <summary>The same definition as KubernetesClient's model.</summary>
    public static V1CustomResourceDefinition Typed(JsonObject definition) =>
        KubeJson.Deserialize<V1CustomResourceDefinition>(KubeJson.Serialize(definition));

    /// <param name="kind">A record with <see cref="CustomResourceAttribute"/>.</param>
    /// <param name="ducks">Labels that say what else can be done with the kind; their value is <c>true</c>.</param>
    /// <exception cref="ArgumentException">The type is none of our kinds.</exception>
    public static JsonObject Write(Type kind, params string[] ducks)
    {
        var resource = kind.GetCustomAttribute<CustomResourceAttribute>()
            ?? throw new ArgumentException($"{kind} carries no {nameof(CustomResourceAttribute)}", nameof(kind));
        var labels = new JsonObject
        {
            ["app.kubernetes.io/name"] = EventingGroups.Contains(resource.Group) ? EventingKeys.SystemNamespace : "knative-serving",
            ["knative.dev/crd-install"] = "true",
        };
        foreach (var duck in ducks)
        {
            labels[duck] = "true";
        }

        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{resource.Plural}.{resource.Group}", ["labels"] = labels },
            ["spec"] = new JsonObject
            {
                ["group"] = resource.Group,
                ["names"] = Names(resource),
                ["scope"] = resource.Namespaced ? "Namespaced" : "Cluster",
                ["versions"] = new JsonArray([Version(kind, resource), .. OldVersions(kind).Select(v => OldVersion(kind, v))]),
            },
        };
    }

    private static JsonObject Names(CustomResourceAttribute resource)
    {
        var names = new JsonObject
        {
            ["kind"] = resource.Kind,
            ["listKind"] = resource.Kind + "List",
            ["plural"] = resource.Plural,
            ["singular"] = resource.Kind.ToLowerInvariant(),
        };
        if (resource.Categories.Length > 0)
        {
            names["categories"] = Strings(resource.Categories);
        }

        if (resource.ShortNames.Length > 0)
        {
            names["shortNames"] = Strings(resource.ShortNames);
        }

        return names;
    }

    private static JsonObject Version(Type kind, CustomResourceAttribute resource)
    {
        var version = new JsonObject { ["name"] = resource.Version, ["served"] = true, ["storage"] = true };
        AddColumns(version, kind);
        version["schema"] = new JsonObject { ["openAPIV3Schema"] = SchemaWriter.Root(kind) };
        version["subresources"] = new JsonObject { ["status"] = new JsonObject() };
        return version;
    }

    // Versions whose objects are still taken, with a warning; admission turns their shapes into v1.
    private static string[] OldVersions(Type kind) =>
        kind == typeof(KnService) || kind == typeof(KnConfiguration) || kind == typeof(KnRevision) || kind == typeof(KnRoute)
            ? ["v1beta1", "v1alpha1"]
            : [];

    // Its shapes are admission's business: the schema lets everything pass.
    private static JsonObject OldVersion(Type kind, string name)
    {
        var version = new JsonObject { ["name"] = name, ["served"] = true, ["storage"] = false, ["deprecated"] = true };
        AddColumns(version, kind);
        version["schema"] = new JsonObject
        {
            ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true },
        };
        version["subresources"] = new JsonObject { ["status"] = new JsonObject() };
        return version;
    }

    private static void AddColumns(JsonObject version, Type kind)
    {
        var columns = kind.GetCustomAttributes<PrinterColumnAttribute>().ToArray();
        if (columns.Length > 0)
        {
            version["additionalPrinterColumns"] = new JsonArray([.. columns.Select(c => new JsonObject
            {
                ["name"] = c.Name, ["type"] = c.Type, ["jsonPath"] = c.JsonPath,
            })]);
        }
    }

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
