using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Autoscaling.V1Alpha1;

/// <summary>What the autoscaler collects for one Revision.</summary>
[CustomResource(
    "autoscaling.internal.knative.dev", "v1alpha1", "Metric", "metrics",
    ShortNames = [], Categories = ["knative-internal", "autoscaling"])]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnMetric : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "autoscaling.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "Metric";
    public V1ObjectMeta Metadata { get; set; } = new();
    public MetricSpec Spec { get; init => field = value ?? new(); } = new();
    public MetricStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>Windows in nanoseconds, as upstream writes them, and where to scrape.</summary>
public sealed record MetricSpec
{
    /// <summary>Nanoseconds.</summary>
    public long? StableWindow { get; init; }

    /// <summary>Nanoseconds.</summary>
    public long? PanicWindow { get; init; }

    /// <summary>The private Service's name; empty when nothing is scraped.</summary>
    public string? ScrapeTarget { get; init; }
}

/// <summary>Whether the metric is collected.</summary>
public sealed record MetricStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
}
