using k8s.Models;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>What an autoscaler has been told of its target before it decides.</summary>
/// <param name="Replicas">The scale's specification.</param>
/// <param name="HasSelector">Whether the scale says which pods are meant.</param>
internal sealed record ScaleSeen(int Replicas, bool HasSelector, PodMeasurements Pods, string? MetricsError);

/// <summary>One decision of one autoscaler: pure, but for what it remembers.</summary>
internal sealed class AutoscalerRound(V2HorizontalPodAutoscaler autoscaler, ScalingMemory memory, DateTimeOffset now)
{
    private readonly V2HorizontalPodAutoscalerSpec _spec = autoscaler.Spec;

    public AutoscalerStatus Status { get; } = new(
        autoscaler, new DateTime(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc));

    public List<PlanEvent> Events { get; } = [];

    /// <summary>Why the number changes, for the Event.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>The replicas that the target shall have; null leaves it alone.</summary>
    public int? Decide(ScaleSeen seen)
    {
        var current = Status.Current = seen.Replicas;
        Status.Set("AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        var least = _spec.MinReplicas ?? 1;
        if (current == 0 && least != 0)
        {
            Status.Desired = 0;
            Status.Set("ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
            return null;
        }

        if (current > _spec.MaxReplicas || current < least)
        {
            var bound = current > _spec.MaxReplicas ? _spec.MaxReplicas : least;
            Reason = current > _spec.MaxReplicas
                ? "Current number of replicas above Spec.MaxReplicas" : "Current number of replicas below Spec.MinReplicas";
            return Status.Desired = bound;
        }

        if (Measure(seen, current) is not { } measured)
        {
            Status.Desired = Status.Desired == 0 ? current : Status.Desired;
            return null;
        }

        Reason = measured.Replicas > current ? $"{measured.Name} above target" : measured.Replicas < current ? "All metrics below target" : "";
        var ruled = ScalingRules.Apply(_spec, current, measured.Replicas, memory, now);
        Status.Set("AbleToScale", true, ruled.Able.Reason, ruled.Able.Message);
        Status.Set("ScalingLimited", ruled.Limit.Limited, ruled.Limit.Reason, ruled.Limit.Message);
        Status.Desired = ruled.Replicas;
        return ruled.Replicas == current ? null : ruled.Replicas;
    }

    /// <summary>The highest number that a metric asks for; null when that cannot be told.</summary>
    private (int Replicas, string Name)? Measure(ScaleSeen seen, int current)
    {
        if (!seen.HasSelector)
        {
            Status.Set("ScalingActive", false, "InvalidSelector", "the HPA target's scale is missing a selector");
            Events.Add(new PlanEvent("Warning", "SelectorRequired", "selector is required"));
            return null;
        }

        (int Replicas, string Name)? best = null;
        (V2MetricSpec Spec, string Message)? problem = null;
        var (shown, metrics, wrong) = (new List<V2MetricStatus>(), Metrics(), 0);
        foreach (var metric in metrics)
        {
            try
            {
                var reader = MetricReader.Of(metric);
                if (seen.MetricsError is { } error)
                {
                    throw new MetricException($"failed to get {reader.Question.Resource} utilization: unable to get metrics for resource "
                        + $"{reader.Question.Resource}: {error}");
                }

                var answer = reader.Ask(seen.Pods, current);
                shown.Add(reader.Show(answer));
                best = best is { } known && known.Replicas >= answer.Replicas ? known : (answer.Replicas, reader.Name);
            }
            catch (MetricException e)
            {
                wrong++;
                problem ??= (metric, e.Message);
            }
        }

        Status.Metrics = shown;

        // With a metric missing it may grow by the others, but not shrink: the missing one could want more.
        if (problem is { } first && (best is null || best.Value.Replicas < current))
        {
            Fail(first.Spec, first.Message, wrong, metrics.Count);
            return null;
        }

        Status.Set(
            "ScalingActive", true, "ValidMetricFound", $"the HPA was able to successfully calculate a replica count from {best!.Value.Name}");
        return best;
    }

    private IList<V2MetricSpec> Metrics() => _spec.Metrics is { Count: > 0 } given
        ? given
        :
        [
            new V2MetricSpec
            {
                Type = "Resource",
                Resource = new V2ResourceMetricSource
                {
                    Name = "cpu", Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = 80 },
                },
            },
        ];

    private void Fail(V2MetricSpec metric, string message, int wrong, int of)
    {
        var reason = MetricReader.FailureReason(metric);
        var name = metric.Type switch
        {
            "Resource" => $"{metric.Resource.Name} resource",
            "ContainerResource" => $"{metric.ContainerResource.Name} container resource",
            var other => other.ToLowerInvariant(),
        };
        Status.Set("ScalingActive", false, reason, $"the HPA was unable to compute the replica count: {message}");
        Events.Add(new PlanEvent("Warning", reason, message));
        Events.Add(new PlanEvent(
            "Warning", "FailedComputeMetricsReplicas",
            $"invalid metrics ({wrong} invalid out of {of}), first error is: failed to get {name} metric value: {message}"));
    }
}
