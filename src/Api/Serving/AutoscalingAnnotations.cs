using System.Globalization;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving;

/// <summary>Checks the annotations of <c>autoscaling.knative.dev</c> against their rules (serving.md 2.2).</summary>
public static class AutoscalingAnnotations
{
    private const string Domain = ".knative.dev";
    private static readonly TimeSpan WindowMin = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WindowMax = TimeSpan.FromHours(1);

    /// <summary>The first of the spellings that is present, or nulls.</summary>
    public static (string Key, string? Value) Find(IDictionary<string, string>? annotations, string key, string? alt = null)
    {
        if (annotations is null)
        {
            return (key, null);
        }

        return annotations.TryGetValue(key, out var value) ? (key, value)
            : alt is not null && annotations.TryGetValue(alt, out value) ? (alt, value)
            : (key, null);
    }

    /// <param name="path">Of the annotations, without a final dot.</param>
    public static void Validate(IDictionary<string, string>? annotations, AutoscalingLimits limits, string path, FieldErrors errors)
    {
        if (annotations is null || annotations.Count == 0)
        {
            return;
        }

        var check = new Check(annotations, limits, path, errors);
        check.Class();
        check.Scales();
        check.Float(AutoscalingKeys.PanicWindowPercentage, AutoscalingKeys.PanicWindowPercentageAlt, 1, 100);
        check.Float(AutoscalingKeys.PanicThresholdPercentage, AutoscalingKeys.PanicThresholdPercentageAlt, 110, 1000);
        check.Float(AutoscalingKeys.TargetUtilizationPercentage, AutoscalingKeys.TargetUtilizationPercentageAlt, 1, 100);
        check.Target();
        check.BurstCapacity();
        check.Duration(AutoscalingKeys.Window, null, WindowMin, wholeSeconds: true);
        check.Duration(
            AutoscalingKeys.ScaleToZeroPodRetentionPeriod, AutoscalingKeys.ScaleToZeroPodRetentionPeriodAlt, TimeSpan.Zero,
            wholeSeconds: false);
        check.Duration(AutoscalingKeys.ScaleDownDelay, AutoscalingKeys.ScaleDownDelayAlt, TimeSpan.Zero, wholeSeconds: true);
        check.Metric();
        check.Algorithm();
        check.InitialScale();
    }

    private readonly struct Check(IDictionary<string, string> annotations, AutoscalingLimits limits, string path, FieldErrors errors)
    {
        public void Class()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.Class);
            if (value is not null && value.EndsWith(Domain, StringComparison.Ordinal) &&
                value is not (AutoscalingKeys.KpaClass or AutoscalingKeys.HpaClass))
            {
                errors.Invalid(value, At(key));
            }
        }

        public void Scales()
        {
            var min = Scale(AutoscalingKeys.MinScale, AutoscalingKeys.MinScaleAlt) ?? 0;
            var max = Scale(AutoscalingKeys.MaxScale, AutoscalingKeys.MaxScaleAlt) ?? 0;
            if (max != 0 && max < min)
            {
                errors.Add($"max-scale={max} is less than min-scale={min}", [At(AutoscalingKeys.MaxScale), At(AutoscalingKeys.MinScale)]);
            }

            var (maxKey, maxText) = Find(annotations, AutoscalingKeys.MaxScale, AutoscalingKeys.MaxScaleAlt);
            if (maxText is not null && limits.MaxScaleLimit != 0)
            {
                if (max > limits.MaxScaleLimit)
                {
                    errors.OutOfBounds(max, 1, limits.MaxScaleLimit, At(maxKey));
                }
                else if (max == 0)
                {
                    errors.Add($"max-scale=0 (unlimited), must be less than {limits.MaxScaleLimit}", At(maxKey));
                }
            }

            ActivationScale(min, max);
        }

        public void Float(string name, string alt, double lower, double upper)
        {
            var (key, value) = Find(annotations, name, alt);
            if (value is null)
            {
                return;
            }

            if (!TryFloat(value, out var number))
            {
                errors.Invalid(value, At(key));
            }
            else if (number < lower || number > upper)
            {
                errors.OutOfBounds(value, lower, upper, At(key));
            }
        }

        public void Target()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.Target);
            if (value is not null && !TryFloat(value, out _))
            {
                errors.Invalid(value, At(key));
            }
            else if (value is not null && TryFloat(value, out var number) && number < 0.01)
            {
                errors.Add($"target {value} should be at least 0.01", At(key));
            }
        }

        public void BurstCapacity()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.TargetBurstCapacity, AutoscalingKeys.TargetBurstCapacityAlt);
            if (value is not null && (!TryFloat(value, out var number) || (number < 0 && number != -1)))
            {
                errors.Invalid(value, At(key));
            }
        }

        public void Duration(string name, string? alt, TimeSpan lower, bool wholeSeconds)
        {
            var (key, value) = Find(annotations, name, alt);
            if (value is null)
            {
                return;
            }

            if (!GoDuration.TryParse(value, out var duration))
            {
                errors.Invalid(value, At(key));
            }
            else if (duration < lower || duration > WindowMax)
            {
                errors.OutOfBounds(value, GoDuration.Format(lower), GoDuration.Format(WindowMax), At(key));
            }
            else if (wholeSeconds && duration.Ticks % TimeSpan.TicksPerSecond != 0)
            {
                errors.Add("must be specified with at most second precision", At(key));
            }
        }

        public void Metric()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.Metric);
            var scaler = Find(annotations, AutoscalingKeys.Class).Value ?? limits.PodAutoscalerClass;
            var isBad = scaler switch
            {
                AutoscalingKeys.KpaClass => value is not ("concurrency" or "rps"),
                AutoscalingKeys.HpaClass => value is "",
                _ => false,
            };
            if (value is not null && isBad)
            {
                errors.Invalid(value, At(key));
            }
        }

        public void Algorithm()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.MetricAggregationAlgorithm, AutoscalingKeys.MetricAggregationAlgorithmAlt);
            if (!string.IsNullOrEmpty(value) && Find(annotations, AutoscalingKeys.Class).Value == AutoscalingKeys.KpaClass &&
                value is not ("linear" or "weighted-exponential" or "weightedExponential"))
            {
                errors.Invalid(value, At(key));
            }
        }

        public void InitialScale()
        {
            var (key, value) = Find(annotations, AutoscalingKeys.InitialScale, AutoscalingKeys.InitialScaleAlt);
            if (value is null)
            {
                return;
            }

            if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale))
            {
                errors.Invalid(value, At(key));
            }
            else if (scale < 0)
            {
                errors.Invalid(value, At(key + " must be greater than 0"));
            }
            else if (scale == 0 && !limits.AllowZeroInitialScale)
            {
                errors.Invalid(value, At(key + "=0 not allowed by cluster"));
            }
        }

        private void ActivationScale(int min, int max)
        {
            var (key, value) = Find(annotations, AutoscalingKeys.ActivationScale);
            if (value is null)
            {
                return;
            }

            if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale))
            {
                errors.Invalid(value, At(key));
            }
            else if (min > scale)
            {
                errors.Add($"min-scale={min} is greater than activation-scale={scale}", At(key));
            }
            else if (max != 0 && max < scale)
            {
                errors.Add($"max-scale={max} is less than activation-scale={scale}", At(key));
            }
            else if (scale < 2)
            {
                errors.Add($"activation-scale={scale} must be greater than 1", At(key));
            }
        }

        private int? Scale(string name, string alt)
        {
            var (key, value) = Find(annotations, name, alt);
            if (value is null)
            {
                return null;
            }

            if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale))
            {
                errors.Invalid(value, At(key));
                return null;
            }

            if (scale is < 0 or > int.MaxValue)
            {
                errors.OutOfBounds(value, 0, int.MaxValue, At(key));
                return null;
            }

            return (int)scale;
        }

        private string At(string key) => $"{path}.{key}";

        private static bool TryFloat(string text, out double value) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}
