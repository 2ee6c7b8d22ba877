using System.Collections.Immutable;
using Knet.Kube.Config;

namespace Knet.Serving.Autoscaler;

/// <summary>The ConfigMap <c>config-autoscaler</c>: defaults of all Revisions, which annotations override (serving.md 4).</summary>
public sealed record AutoscalerConfig
{
    /// <summary>How to read it; a bad value throws <see cref="FormatException"/> naming the key.</summary>
    public static ConfigKind<AutoscalerConfig> Kind { get; } = new("config-autoscaler", Parse);

    /// <summary>The share of a pod's capacity to aim for, 0..1.</summary>
    public double ContainerConcurrencyTargetFraction { get; init; } = 0.7;

    /// <summary>Requests at a time that a pod without a limit is taken to bear.</summary>
    public double ContainerConcurrencyTargetDefault { get; init; } = 100;

    public double RequestsPerSecondTargetDefault { get; init; } = 200;

    /// <summary>Requests that may come at once without the activator in the path; -1 keeps it there always.</summary>
    public double TargetBurstCapacity { get; init; } = 211;

    public TimeSpan StableWindow { get; init; } = TimeSpan.FromSeconds(60);
    public double PanicWindowPercentage { get; init; } = 10;
    public double PanicThresholdPercentage { get; init; } = 200;
    public double MaxScaleUpRate { get; init; } = 1000;
    public double MaxScaleDownRate { get; init; } = 2;
    public bool EnableScaleToZero { get; init; } = true;
    public TimeSpan ScaleToZeroGracePeriod { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan ScaleToZeroPodRetentionPeriod { get; init; }
    public string PodAutoscalerClass { get; init; } = "kpa.autoscaling.knative.dev";

    /// <summary>Requests that one activator is taken to bear.</summary>
    public double ActivatorCapacity { get; init; } = 100;

    public int InitialScale { get; init; } = 1;
    public bool AllowZeroInitialScale { get; init; }
    public int MinScale { get; init; }

    /// <summary>0 means no limit.</summary>
    public int MaxScale { get; init; }

    /// <summary>What max-scale may be at most; 0 means no limit.</summary>
    public int MaxScaleLimit { get; init; }

    public TimeSpan ScaleDownDelay { get; init; }

    /// <exception cref="FormatException">A value is no number, duration or truth value, or out of its range.</exception>
    public static AutoscalerConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        var defaults = new AutoscalerConfig();
        var percentage = read.Number("container-concurrency-target-percentage", 70, 0, double.MaxValue);
        var config = new AutoscalerConfig
        {
            // Upstream reads values up to 1 as fractions: the key was a fraction once.
            ContainerConcurrencyTargetFraction = percentage > 1 ? percentage / 100 : percentage,
            ContainerConcurrencyTargetDefault = read.Number(
                "container-concurrency-target-default", defaults.ContainerConcurrencyTargetDefault, 0, double.MaxValue),
            RequestsPerSecondTargetDefault = read.Number(
                "requests-per-second-target-default", defaults.RequestsPerSecondTargetDefault, 0.01, double.MaxValue),
            TargetBurstCapacity = read.Number("target-burst-capacity", defaults.TargetBurstCapacity, -1, double.MaxValue),
            StableWindow = read.WholeSeconds("stable-window", defaults.StableWindow, TimeSpan.FromSeconds(6), TimeSpan.FromHours(1)),
            PanicWindowPercentage = read.Number("panic-window-percentage", defaults.PanicWindowPercentage, 1, 100),
            PanicThresholdPercentage = read.Number("panic-threshold-percentage", defaults.PanicThresholdPercentage, 1, double.MaxValue),
            MaxScaleUpRate = read.Number("max-scale-up-rate", defaults.MaxScaleUpRate, 1, double.MaxValue),
            MaxScaleDownRate = read.Number("max-scale-down-rate", defaults.MaxScaleDownRate, 1, double.MaxValue),
            EnableScaleToZero = read.Truth("enable-scale-to-zero", defaults.EnableScaleToZero),
            ScaleToZeroGracePeriod = read.Duration(
                "scale-to-zero-grace-period", defaults.ScaleToZeroGracePeriod, TimeSpan.FromTicks(1), TimeSpan.MaxValue),
            ScaleToZeroPodRetentionPeriod = read.Duration(
                "scale-to-zero-pod-retention-period", defaults.ScaleToZeroPodRetentionPeriod, TimeSpan.Zero, TimeSpan.MaxValue),
            PodAutoscalerClass = read.Text("pod-autoscaler-class", defaults.PodAutoscalerClass),
            ActivatorCapacity = read.Number("activator-capacity", defaults.ActivatorCapacity, 1, double.MaxValue),
            InitialScale = read.Whole("initial-scale", defaults.InitialScale),
            AllowZeroInitialScale = read.Truth("allow-zero-initial-scale", defaults.AllowZeroInitialScale),
            MinScale = read.Whole("min-scale", defaults.MinScale),
            MaxScale = read.Whole("max-scale", defaults.MaxScale),
            MaxScaleLimit = read.Whole("max-scale-limit", defaults.MaxScaleLimit),
            ScaleDownDelay = read.WholeSeconds("scale-down-delay", defaults.ScaleDownDelay, TimeSpan.Zero, TimeSpan.FromHours(1)),
        };
        return config.Checked();
    }

    private AutoscalerConfig Checked()
    {
        foreach (var (wrong, message) in ImmutableArray.Create(
            (TargetBurstCapacity is > -1 and < 0,
                $"target-burst-capacity must be either non-negative or -1 (for unlimited), was: {TargetBurstCapacity}"),
            (MaxScaleUpRate <= 1, $"max-scale-up-rate = {MaxScaleUpRate}, must be greater than 1.0"),
            (MaxScaleDownRate <= 1, $"max-scale-down-rate = {MaxScaleDownRate}, must be greater than 1.0"),
            (ContainerConcurrencyTargetFraction is <= 0 or > 1,
                $"container-concurrency-target-percentage = {ContainerConcurrencyTargetFraction * 100} is outside of valid range " +
                "of (0, 100]"),
            (ContainerConcurrencyTargetFraction * ContainerConcurrencyTargetDefault < 0.01,
                "container-concurrency-target-percentage and container-concurrency-target-default yield target concurrency " +
                "of less than 0.01"),
            (InitialScale == 0 && !AllowZeroInitialScale,
                "initial-scale = 0, must be at least 1 when allow-zero-initial-scale is false"),
            (MaxScale != 0 && MinScale > MaxScale, $"min-scale ({MinScale}) must be less than max-scale ({MaxScale})"),
            (MaxScaleLimit > 0 && (MaxScale < 1 || MaxScale > MaxScaleLimit),
                $"max-scale ({MaxScale}) must be in [1, {MaxScaleLimit}] when max-scale-limit is set")))
        {
            if (wrong)
            {
                throw new FormatException(message);
            }
        }

        return this;
    }
}
