using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Kinds;

/// <summary>From one version of a kind to another, through the stored one.</summary>
internal static class Conversions
{
    // core/v1 member, events.k8s.io/v1 member
    private static readonly (string Core, string Events)[] EventMembers =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
    ];

    /// <summary>Rewrites the object in place from one version to another.</summary>
    public static void Convert(JsonObject value, ResourceType from, ResourceType to)
    {
        if (from == to)
        {
            return;
        }

        value["apiVersion"] = to.ApiVersion;
        if (from.Group != to.Group && from.Plural == "events")
        {
            RenameEvent(value, toCore: to.Group.Length == 0);
        }
        else if (from is { Group: "autoscaling", Plural: "horizontalpodautoscalers" })
        {
            ConvertAutoscaler(value, to.Version);
        }
    }

    private static void RenameEvent(JsonObject value, bool toCore)
    {
        foreach (var (core, events) in EventMembers)
        {
            var (from, to) = toCore ? (events, core) : (core, events);
            if (value[from] is { } member)
            {
                value.Remove(from);
                value[to] = member;
            }
        }
    }

    // v1 knows one target, the CPU; other metrics of v2 are kept aside in an annotation, as Kubernetes does.
    private static void ConvertAutoscaler(JsonObject value, string version)
    {
        const string Annotation = "autoscaling.alpha.kubernetes.io/metrics";
        if (value.Object("spec") is not { } spec)
        {
            return;
        }

        if (version == "v2")
        {
            var metrics = value.Object("metadata").Object("annotations").Text(Annotation) is { } kept ? JsonNode.Parse(kept) as JsonArray ?? [] : [];
            if (spec.Number("targetCPUUtilizationPercentage") is { } percent)
            {
                metrics.Insert(0, Cpu(percent));
            }

            spec.Remove("targetCPUUtilizationPercentage");
            value.Object("metadata").Object("annotations")?.Remove(Annotation);
            if (metrics.Count > 0)
            {
                spec["metrics"] = metrics;
            }

            return;
        }

        var others = new JsonArray();
        foreach (var metric in spec.Items("metrics"))
        {
            if (metric.At("resource.name") is { } name && name.ToString() == "cpu"
                && metric.Object("resource").Object("target").Number("averageUtilization") is { } percent)
            {
                spec["targetCPUUtilizationPercentage"] = percent;
            }
            else
            {
                others.Add(metric.DeepClone());
            }
        }

        spec.Remove("metrics");
        if (others.Count > 0)
        {
            value.Metadata().Ensure("annotations")[Annotation] = others.ToJsonString();
        }
    }

    private static JsonObject Cpu(long percent) => new()
    {
        ["type"] = "Resource",
        ["resource"] = new JsonObject
        {
            ["name"] = "cpu",
            ["target"] = new JsonObject { ["type"] = "Utilization", ["averageUtilization"] = percent },
        },
    };
}
