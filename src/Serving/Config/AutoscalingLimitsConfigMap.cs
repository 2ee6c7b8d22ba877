using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>Reads from <c>config-autoscaler</c> the bounds that admission and Revisions need; the autoscaler reads the whole of
/// it.</summary>
public static class AutoscalingLimitsConfigMap
{
    public static ConfigKind<AutoscalingLimits> Kind { get; } = new("config-autoscaler", Parse);

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static AutoscalingLimits Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        return new AutoscalingLimits
        {
            PodAutoscalerClass = read.Text("pod-autoscaler-class", AutoscalingKeys.KpaClass),
            AllowZeroInitialScale = read.Flag("allow-zero-initial-scale", false),
            InitialScale = (int)Math.Min(read.Whole("initial-scale", 1, 0), int.MaxValue),
            MaxScaleLimit = (int)Math.Min(read.Whole("max-scale-limit", 0, 0), int.MaxValue),
        };
    }
}
