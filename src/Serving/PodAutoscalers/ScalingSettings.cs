using System.Globalization;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Serving.Autoscaler;

namespace Knet.Serving.PodAutoscalers;

/// <summary>
/// How one PodAutoscaler scales: its annotations over config-autoscaler (serving.md 2.2, 12). Admission has checked them; a bad value
/// counts as absent.
/// </summary>
internal sealed class ScalingSettings(KnPodAutoscaler pa, AutoscalerConfig config)
{
    private const double TargetMin = 0.01;

    public string Class => Text(AutoscalingKeys.Class) ?? config.PodAutoscalerClass;
    public bool ByRequestsPerSecond => Text(AutoscalingKeys.Metric) == "rps";

    /// <summary>What an autoscaler of class HPA looks at: cpu, memory, or a metric of the pods.</summary>
    public string ResourceMetric => Text(AutoscalingKeys.Metric) ?? "cpu";

    /// <summary>The target as it was asked for; null when it was not.</summary>
    public double? Target => Number(AutoscalingKeys.Target);

    /// <summary>The window as it was asked for; null when it was not.</summary>
    public TimeSpan? Window => Duration(AutoscalingKeys.Window);

    public bool IsReachable => pa.Spec.Reachability != "Unreachable";

    /// <summary>Scale to zero is never held up by retention for Revisions that nobody can reach.</summary>
    public TimeSpan PodRetention => !IsReachable
        ? TimeSpan.Zero
        : Duration(AutoscalingKeys.ScaleToZeroPodRetentionPeriod, AutoscalingKeys.ScaleToZeroPodRetentionPeriodAlt)
            ?? config.ScaleToZeroPodRetentionPeriod;

    public TimeSpan StableWindow => Window ?? config.StableWindow;

    /// <summary>Whole seconds, at least one.</summary>
    public TimeSpan PanicWindow
    {
        get
        {
            var percentage = Number(AutoscalingKeys.PanicWindowPercentage, AutoscalingKeys.PanicWindowPercentageAlt)
                ?? config.PanicWindowPercentage;
            var seconds = Math.Round(StableWindow.TotalSeconds * percentage / 100, MidpointRounding.AwayFromZero);
            return TimeSpan.FromSeconds(Math.Max(1, seconds));
        }
    }

    public int InitialScale => Whole(AutoscalingKeys.InitialScale, AutoscalingKeys.InitialScaleAlt) is { } scale
        && (scale > 0 || config.AllowZeroInitialScale)
            ? scale
            : config.InitialScale;

    /// <summary>Ignored for Revisions that nobody can reach.</summary>
    public int MinScale => IsReachable ? Whole(AutoscalingKeys.MinScale, AutoscalingKeys.MinScaleAlt) ?? config.MinScale : 0;

    /// <summary>0 means no limit.</summary>
    public int MaxScale => Whole(AutoscalingKeys.MaxScale, AutoscalingKeys.MaxScaleAlt) ?? config.MaxScale;

    public double TargetBurstCapacity =>
        Number(AutoscalingKeys.TargetBurstCapacity, AutoscalingKeys.TargetBurstCapacityAlt) ?? config.TargetBurstCapacity;

    public TimeSpan? ProgressDeadline => Duration(ServingKeys.ProgressDeadline);

    public DeciderSpec ToDeciderSpec()
    {
        var total = Total();
        var percentage = Number(AutoscalingKeys.TargetUtilizationPercentage, AutoscalingKeys.TargetUtilizationPercentageAlt);
        return new DeciderSpec
        {
            ByRequestsPerSecond = ByRequestsPerSecond,
            TotalValue = total,
            TargetValue = Math.Max(TargetMin, total * (percentage / 100 ?? config.ContainerConcurrencyTargetFraction)),
            TargetBurstCapacity = TargetBurstCapacity,
            MaxScaleUpRate = config.MaxScaleUpRate,
            MaxScaleDownRate = config.MaxScaleDownRate,
            ActivationScale = Whole(AutoscalingKeys.ActivationScale) ?? 0,
            PanicThreshold = (Number(AutoscalingKeys.PanicThresholdPercentage, AutoscalingKeys.PanicThresholdPercentageAlt)
                ?? config.PanicThresholdPercentage) / 100,
            StableWindow = StableWindow,
            PanicWindow = PanicWindow,
            ScaleDownDelay = Duration(AutoscalingKeys.ScaleDownDelay, AutoscalingKeys.ScaleDownDelayAlt) ?? config.ScaleDownDelay,
            InitialScale = InitialScale,
            Reachable = IsReachable,
            Algorithm = Text(AutoscalingKeys.MetricAggregationAlgorithm, AutoscalingKeys.MetricAggregationAlgorithmAlt)
                is "weighted-exponential" or "weightedExponential"
                    ? AggregationAlgorithm.WeightedExponential
                    : AggregationAlgorithm.Linear,
        };
    }

    /// <summary>Activators that this much traffic needs: two at least.</summary>
    public int ActivatorsFor(int readyPods, double total)
    {
        var burst = TargetBurstCapacity;
        return burst == 0
            ? PodAutoscalerReconciler.ActivatorsMin
            : (int)Math.Max(
                PodAutoscalerReconciler.ActivatorsMin, Math.Ceiling(((readyPods * total) + Math.Max(0, burst)) / config.ActivatorCapacity));
    }

    private double Total()
    {
        var limit = pa.Spec.ContainerConcurrency ?? 0;
        if (ByRequestsPerSecond)
        {
            return Target ?? config.RequestsPerSecondTargetDefault;
        }

        return Target is not { } target
            ? limit > 0 ? limit : config.ContainerConcurrencyTargetDefault
            : limit > 0 ? Math.Min(limit, target) : target;
    }

    private string? Text(string key, string? alt = null) => AutoscalingAnnotations.Find(pa.Metadata.Annotations, key, alt).Value;

    private double? Number(string key, string? alt = null) =>
        double.TryParse(Text(key, alt), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private int? Whole(string key, string? alt = null) =>
        int.TryParse(Text(key, alt), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private TimeSpan? Duration(string key, string? alt = null) => GoDuration.TryParse(Text(key, alt), out var value) ? value : null;
}
