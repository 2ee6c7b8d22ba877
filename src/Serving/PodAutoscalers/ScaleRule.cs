using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Kube.Facts;
using Knet.Serving.Autoscaler;

namespace Knet.Serving.PodAutoscalers;

/// <summary>What becomes of a wish of the decider.</summary>
/// <param name="Want">The scale to report; -1 when unknown.</param>
/// <param name="Replicas">The scale to set; null leaves it.</param>
/// <param name="RequeueAfter">When to look again.</param>
internal readonly record struct ScaleOutcome(int Want, int? Replicas = null, TimeSpan? RequeueAfter = null);

/// <summary>From the decider's wish to a scale, with bounds and the sequence that leads to zero (serving.md 12.3). Pure.</summary>
internal static class ScaleRule
{
    public const int Unknown = -1;

    // Endpoints may take this long to show a change of mode that is not one; upstream looks again then.
    private static readonly TimeSpan ProxyRecheck = TimeSpan.FromSeconds(3);

    // Upstream allows the Deployment's progress deadline and this.
    private static readonly TimeSpan ActivationSlack = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DefaultProgressDeadline = TimeSpan.FromSeconds(600);

    public static ScaleOutcome Apply(
        KnPodAutoscaler pa, KnServerlessService sks, int desired, ScalingSettings settings, AutoscalerConfig config, Situation now)
    {
        var active = ConditionSet.Find(pa.Status.Conditions, PodAutoscalerReconciler.Active);
        var activating = active is null or { Status: ConditionSet.Unknown };
        if (desired < 0 && !activating)
        {
            return new ScaleOutcome(desired);
        }

        var min = settings.MinScale;
        var initialized = ConditionSet.IsTrue(pa.Status.Conditions, PodAutoscalerReconciler.ScaleTargetInitialized);
        if (!initialized && settings.IsReachable && settings.InitialScale > 1)
        {
            min = Math.Max(min, settings.InitialScale);
        }

        var max = settings.MaxScale;
        var bounded = Math.Max(desired, min);
        bounded = max > 0 ? Math.Min(bounded, max) : bounded;
        return bounded > 0 ? new ScaleOutcome(bounded, bounded) : ToZero(active, sks, settings, config, now);
    }

    private static ScaleOutcome ToZero(
        KnCondition? active, KnServerlessService sks, ScalingSettings settings, AutoscalerConfig config, Situation now)
    {
        if (!config.EnableScaleToZero)
        {
            return new ScaleOutcome(1, 1);
        }

        var since = Since(active, now.Time);
        return active?.Status switch
        {
            ConditionSet.True => WhileActive(since, sks, settings.StableWindow),
            ConditionSet.False => WhileInactive(since, sks, settings, config, now),
            _ => WhileActivating(since, (settings.ProgressDeadline ?? DefaultProgressDeadline) + ActivationSlack),
        };
    }

    private static ScaleOutcome WhileActivating(TimeSpan activating, TimeSpan deadline) =>
        activating >= deadline ? new ScaleOutcome(0, 0) : new ScaleOutcome(Unknown, null, deadline - activating);

    // Active for less than a window: one pod stays. After that the Revision becomes inactive first, with its pods still there.
    private static ScaleOutcome WhileActive(TimeSpan active, KnServerlessService sks, TimeSpan window) => active < window
        ? new ScaleOutcome(1, 1, window - active)
        : new ScaleOutcome(0, null, sks.Spec.Mode == PodAutoscalerReconciler.Proxy ? ProxyRecheck : null);

    private static ScaleOutcome WhileInactive(
        TimeSpan inactive, KnServerlessService sks, ScalingSettings settings, AutoscalerConfig config, Situation now)
    {
        if (settings.TargetBurstCapacity != -1 && now.ActivatorInPath is not Fact<bool>.Known { Value: true })
        {
            return new ScaleOutcome(0);
        }

        var retention = settings.PodRetention;
        var grace = config.ScaleToZeroGracePeriod;
        if (inactive >= (grace > retention ? grace : retention))
        {
            return new ScaleOutcome(0, 0);
        }

        if (inactive < retention)
        {
            return new ScaleOutcome(0, null, retention - inactive);
        }

        var proxied = ConditionSet.Find(sks.Status.Conditions, PodAutoscalerReconciler.ActivatorEndpointsPopulated) is
        { Status: ConditionSet.True } populated
            ? Since(populated, now.Time)
            : TimeSpan.Zero;
        return proxied >= grace ? new ScaleOutcome(0, 0) : new ScaleOutcome(0, null, grace - proxied);
    }

    private static TimeSpan Since(KnCondition? condition, DateTimeOffset now) => condition?.LastTransitionTime is { } at
        ? now - new DateTimeOffset(DateTime.SpecifyKind(at, DateTimeKind.Utc))
        : TimeSpan.Zero;
}

/// <summary>What beside the objects decides.</summary>
internal readonly record struct Situation(DateTimeOffset Time, Fact<bool> ActivatorInPath);
