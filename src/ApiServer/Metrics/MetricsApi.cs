using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;

namespace Knet.ApiServer.Metrics;

/// <summary>metrics.k8s.io/v1beta1 as metrics-server serves it: what pods and nodes use now. Nothing of it is stored.</summary>
internal sealed class MetricsApi(RegistryParts parts, UsageReader usage)
{
    public const string Group = "metrics.k8s.io";
    private const string Version = "v1beta1";
    private static readonly string[] Verbs = ["get", "list"];

    /// <summary>The kinds, for discovery.</summary>
    public static IReadOnlyList<KindInfo> Kinds { get; } =
    [
        Kind("nodes", "NodeMetrics", typeof(NodeMetrics), namespaced: false), Kind("pods", "PodMetrics", typeof(PodMetrics), namespaced: true),
    ];

    /// <exception cref="KubeException">404: there is no such pod or node, or nothing is known of it yet.</exception>
    public async Task<KubeDocument> GetAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var source = Source(request.Type);
        var stored = parts.Find(source, new ObjectKey(request.Type.Namespaced ? request.Namespace : "", request.Name));
        var found = stored is null ? [] : await ShowAsync(request.Type, [stored.Document], cancellationToken);
        return found.Count == 1 ? found[0] : throw Refusals.NotFound(request.Type, request.Name);
    }

    /// <summary>Those whose objects the selectors choose and of which something is known.</summary>
    public async Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var source = Source(request.Type);
        var page = new Reads(parts).List(source, request with { Type = source.Type, Limit = null, Continue = null, ResourceVersion = null });
        return new KubeListPage(await ShowAsync(request.Type, page.Items, cancellationToken), "");
    }

    private static KindInfo Kind(string plural, string kind, Type model, bool namespaced) =>
        new(new ResourceType(Group, Version, plural, kind, namespaced))
        {
            Singular = "", Verbs = Verbs, IsVirtual = true, Schema = new(() => BuiltInSchemas.For(model)),
        };

    private KindInfo Source(ResourceType type) => parts.KindOf(type.Namespaced ? ResourceType.Of<V1Pod>() : ResourceType.Of<V1Node>());

    private async Task<IReadOnlyList<KubeDocument>> ShowAsync(
        ResourceType type, IReadOnlyList<KubeDocument> sources, CancellationToken cancellationToken)
    {
        var shown = new List<KubeDocument>();
        if (!type.Namespaced)
        {
            foreach (var node in sources)
            {
                if ((await usage.ReadAsync(node.Metadata.Name, cancellationToken)).Node is { } rate)
                {
                    shown.Add(Document(type, node.Metadata, rate, ("usage", Amounts(rate))));
                }
            }

            return shown;
        }

        foreach (var onNode in sources.Select(d => d.As<V1Pod>()).Where(IsRunning).GroupBy(p => p.Spec.NodeName))
        {
            var (_, containers) = await usage.ReadAsync(onNode.Key, cancellationToken);
            shown.AddRange(onNode.Select(pod => Pod(type, pod, containers)).OfType<KubeDocument>());
        }

        return shown;
    }

    private static bool IsRunning(V1Pod pod) => pod.Spec.NodeName is { Length: > 0 } && pod.Status?.Phase is not ("Succeeded" or "Failed");

    // As metrics-server: a pod is left out until all of its containers that run are measured.
    private static KubeDocument? Pod(ResourceType type, V1Pod pod, IReadOnlyDictionary<(string, string), UsageRate> rates)
    {
        var found = (pod.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always").Concat(pod.Spec.Containers)
            .Select(c => (c.Name, Rate: rates.GetValueOrDefault((pod.Metadata.Uid, c.Name)))).Where(c => c.Rate is not null).ToList();
        if (found.Count == 0)
        {
            return null;
        }

        var containers = new JsonArray([.. found.Select(c => new JsonObject { ["name"] = c.Name, ["usage"] = Amounts(c.Rate!) })]);
        return Document(type, pod.Metadata, found[0].Rate!, ("containers", containers));
    }

    private static KubeDocument Document(ResourceType type, V1ObjectMeta of, UsageRate rate, (string Name, JsonNode Value) content)
    {
        var metadata = new JsonObject { ["name"] = of.Name };
        if (type.Namespaced)
        {
            metadata["namespace"] = of.NamespaceProperty;
        }

        var time = JsonMembers.Time(rate.At);
        metadata["creationTimestamp"] = time;
        if (of.Labels is { Count: > 0 } labels)
        {
            metadata["labels"] = new JsonObject(labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
        }

        return new KubeDocument(KubeJson.Serialize(new JsonObject
        {
            ["kind"] = type.Kind,
            ["apiVersion"] = type.ApiVersion,
            ["metadata"] = metadata,
            ["timestamp"] = time,
            ["window"] = string.Create(CultureInfo.InvariantCulture, $"{rate.Window.TotalSeconds:0.###}s"),
            [content.Name] = content.Value,
        }));
    }

    private static JsonObject Amounts(UsageRate rate) => new()
    {
        ["cpu"] = string.Create(CultureInfo.InvariantCulture, $"{decimal.Round(rate.Cores * 1_000_000_000m):0}n"),
        ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{rate.WorkingSetBytes / 1024}Ki"),
    };
}
