using k8s.Models;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>What became of a recommendation, and the conditions that say so. A reason of null leaves a condition alone.</summary>
internal sealed record Ruled(int Replicas, (string Reason, string Message) Able, (bool Limited, string Reason, string Message) Limit);

/// <summary>Stabilisation, rates and bounds, in this order: Kubernetes' <c>behavior</c> with its defaults.</summary>
internal static class ScalingRules
{
    // kube-controller-manager's --horizontal-pod-autoscaler-downscale-stabilization.
    private const int DownWindowSeconds = 300;

    public static Ruled Apply(V2HorizontalPodAutoscalerSpec spec, int current, int wanted, ScalingMemory memory, DateTimeOffset now)
    {
        memory.Recommend(now, wanted);
        var (up, down) = (spec.Behavior?.ScaleUp, spec.Behavior?.ScaleDown);
        var upSeconds = up?.StabilizationWindowSeconds ?? 0;
        var downSeconds = down?.StabilizationWindowSeconds ?? DownWindowSeconds;
        var lowest = memory.RecommendedSince(now.AddSeconds(-upSeconds)).Append(wanted).Min();
        var highest = memory.RecommendedSince(now.AddSeconds(-downSeconds)).Append(wanted).Max();
        var stable = Math.Min(Math.Max(current, lowest), highest);
        var able = stable == wanted
            ? ("ReadyForNewScale", "recommended size matches current size")
            : stable > wanted
                ? ("ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation")
                : ("ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation");
        return Bound(spec, current, stable, memory, now, able);
    }

    private static Ruled Bound(
        V2HorizontalPodAutoscalerSpec spec, int current, int wanted, ScalingMemory memory, DateTimeOffset now, (string, string) able)
    {
        var (least, most) = (spec.MinReplicas ?? 1, spec.MaxReplicas);
        if (wanted > current)
        {
            var fastest = FastestUp(spec.Behavior, current, memory, now);
            var bound = Math.Min(most, Math.Max(fastest, current));
            return wanted <= bound
                ? Within(wanted, least, able)
                : new(bound, able, most <= fastest
                    ? (true, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
                    : (true, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"));
        }

        if (wanted < current)
        {
            var fastest = FastestDown(spec.Behavior?.ScaleDown, current, memory, now);
            var bound = Math.Max(least, Math.Min(fastest, current));
            return wanted >= bound
                ? Within(wanted, least, able)
                : new(bound, able, least >= fastest ? TooFew : (true, "ScaleDownLimit",
                    "the desired replica count is decreasing faster than the maximum scale rate"));
        }

        return wanted > most
            ? new(most, able, (true, "TooManyReplicas", "the desired replica count is more than the maximum replica count"))
            : Within(wanted, least, able);
    }

    private static (bool, string, string) TooFew { get; } =
        (true, "TooFewReplicas", "the desired replica count is less than the minimum replica count");

    private static Ruled Within(int wanted, int least, (string, string) able) => wanted < least
        ? new(least, able, TooFew)
        : new(wanted, able, (false, "DesiredWithinRange", "the desired count is within the acceptable range"));

    private static int FastestUp(V2HorizontalPodAutoscalerBehavior? behavior, int current, ScalingMemory memory, DateTimeOffset now)
    {
        if (behavior is null)
        {
            return Math.Max(current * 2, 4);
        }

        if (behavior.ScaleUp?.SelectPolicy == "Disabled")
        {
            return current;
        }

        var limits = (behavior.ScaleUp?.Policies is { Count: > 0 } given ? given : [Policy("Pods", 4, 15), Policy("Percent", 100, 15)])
            .Select(policy =>
            {
                var start = current - memory.AddedSince(now.AddSeconds(-policy.PeriodSeconds));
                return policy.Type == "Pods" ? start + policy.Value : (int)Math.Ceiling(start * (1 + (policy.Value / 100m)));
            });
        return behavior.ScaleUp?.SelectPolicy == "Min" ? limits.Min() : limits.Max();
    }

    private static int FastestDown(V2HPAScalingRules? rules, int current, ScalingMemory memory, DateTimeOffset now)
    {
        if (rules?.SelectPolicy == "Disabled")
        {
            return current;
        }

        var limits = (rules?.Policies is { Count: > 0 } given ? given : [Policy("Percent", 100, 15)]).Select(policy =>
        {
            var start = current + memory.RemovedSince(now.AddSeconds(-policy.PeriodSeconds));
            return policy.Type == "Pods" ? start - policy.Value : (int)(start * (1 - (policy.Value / 100m)));
        });

        // "Min" is the least change, which on the way down is the highest number.
        return rules?.SelectPolicy == "Min" ? limits.Max() : limits.Min();
    }

    private static V2HPAScalingPolicy Policy(string type, int value, int seconds) =>
        new() { Type = type, Value = value, PeriodSeconds = seconds };
}
