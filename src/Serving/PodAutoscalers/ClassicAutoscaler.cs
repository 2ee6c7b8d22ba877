using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;

namespace Knet.Serving.PodAutoscalers;

/// <summary>The HorizontalPodAutoscaler of a PodAutoscaler of class HPA, of the same name.</summary>
internal static class ClassicAutoscaler
{
    public static V2HorizontalPodAutoscaler For(KnPodAutoscaler pa, ScalingSettings settings) => new()
    {
        ApiVersion = "autoscaling/v2",
        Kind = "HorizontalPodAutoscaler",
        Metadata = Children.Owned(pa),
        Spec = new V2HorizontalPodAutoscalerSpec
        {
            ScaleTargetRef = new V2CrossVersionObjectReference
            {
                ApiVersion = pa.Spec.ScaleTargetRef?.ApiVersion,
                Kind = pa.Spec.ScaleTargetRef?.Kind,
                Name = pa.Spec.ScaleTargetRef?.Name,
            },
            MinReplicas = settings.MinScale > 0 ? settings.MinScale : null,
            MaxReplicas = settings.MaxScale > 0 ? settings.MaxScale : int.MaxValue,
            Metrics = settings.Target is { } target ? [Metric(settings.ResourceMetric, target)] : null,
            Behavior = settings.Window is { } window ? Steady((int)window.TotalSeconds) : null,
        },
    };

    private static V2MetricSpec Metric(string name, double target) => name switch
    {
        "cpu" => new V2MetricSpec
        {
            Type = "Resource",
            Resource = new V2ResourceMetricSource
            {
                Name = name,
                Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = (int)Math.Ceiling(target) },
            },
        },
        "memory" => new V2MetricSpec
        {
            Type = "Resource",
            Resource = new V2ResourceMetricSource { Name = name, Target = Average($"{(long)target}Mi") },
        },
        _ => new V2MetricSpec
        {
            Type = "Pods",
            Pods = new V2PodsMetricSource { Metric = new V2MetricIdentifier { Name = name }, Target = Average($"{(long)target}") },
        },
    };

    private static V2MetricTarget Average(string quantity) =>
        new() { Type = "AverageValue", AverageValue = new ResourceQuantity(quantity) };

    private static V2HorizontalPodAutoscalerBehavior Steady(int seconds) => new()
    {
        ScaleDown = new V2HPAScalingRules { StabilizationWindowSeconds = seconds },
        ScaleUp = new V2HPAScalingRules { StabilizationWindowSeconds = seconds },
    };
}
