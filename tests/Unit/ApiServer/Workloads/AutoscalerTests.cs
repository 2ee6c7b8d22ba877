using k8s.Models;
using Knet.ApiServer.Workloads.Autoscalers;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>Horizontal pod autoscalers: what measurements make of a number of replicas.</summary>
public sealed class AutoscalerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(50, new[] { 80, 100 }, 4)] // 90 % used of 50 %: 1.8 × 2, rounded up
    [InlineData(50, new[] { 52, 54 }, 2)] // within a tenth
    [InlineData(50, new[] { 10, 20 }, 1)]
    [InlineData(50, new[] { 100, -1 }, 2)] // not measured counts as idle on the way up
    [InlineData(50, new[] { 10, -1 }, 2)] // and as all of its request on the way down
    [InlineData(50, new[] { 200, -2 }, 4)] // not ready: idle, so it grows less
    public void Utilization_DecidesReplicas(int target, int[] millicores, int wanted) =>
        Assert.Equal(wanted, Measure(millicores).ByUtilization(millicores.Length, target, new ResourceQuestion("cpu", null)).Replicas);

    [Fact]
    public void Amount_DecidesReplicas() =>
        Assert.Equal(3, Measure([80, 60]).ByAmount(2, 50, new ResourceQuestion("cpu", "c")).Replicas);

    [Fact]
    public void NoRequest_IsSaidWithTheContainerAndThePod()
    {
        var round = Round(Autoscaler(1, 5), new ScalingMemory());
        Assert.Null(round.Decide(new ScaleSeen(1, true, Measure([80], request: null), null)));
        var active = Condition(round, "ScalingActive");
        Assert.Equal(("False", "FailedGetResourceMetric"), (active.Status, active.Reason));
        Assert.Equal(
            "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container c of Pod p0",
            active.Message);
        Assert.Equal(["FailedGetResourceMetric", "FailedComputeMetricsReplicas"], round.Events.Select(e => e.Reason));
    }

    [Fact]
    public void Growth_IsLimited_AndToldWhy()
    {
        var round = Round(Autoscaler(1, 20), new ScalingMemory());
        Assert.Equal(4, round.Decide(new ScaleSeen(1, true, Measure([1000]), null)));
        Assert.Equal("ScaleUpLimit", Condition(round, "ScalingLimited").Reason);
        Assert.Equal("cpu resource utilization (percentage of request) above target", round.Reason);

        round = Round(Autoscaler(1, 3), new ScalingMemory());
        Assert.Equal(3, round.Decide(new ScaleSeen(1, true, Measure([1000]), null)));
        Assert.Equal("TooManyReplicas", Condition(round, "ScalingLimited").Reason);
    }

    [Fact]
    public void Shrinking_WaitsForItsWindow()
    {
        var (autoscaler, memory) = (Autoscaler(1, 9), new ScalingMemory());
        memory.Recommend(Noon.AddSeconds(-200), 4);
        var round = Round(autoscaler, memory);
        Assert.Null(round.Decide(new ScaleSeen(4, true, Measure([5, 5, 5, 5]), null)));
        Assert.Equal("ScaleDownStabilized", Condition(round, "AbleToScale").Reason);

        round = new AutoscalerRound(autoscaler, memory, Noon.AddSeconds(101));
        Assert.Equal(1, round.Decide(new ScaleSeen(4, true, Measure([5, 5, 5, 5]), null)));
        Assert.Equal("All metrics below target", round.Reason);
    }

    [Fact]
    public void Policies_LimitTheRate_OverTheirPeriods()
    {
        var (autoscaler, memory) = (Autoscaler(1, 20), new ScalingMemory());
        autoscaler.Spec.Behavior = new V2HorizontalPodAutoscalerBehavior
        {
            ScaleUp = new V2HPAScalingRules { Policies = [new() { Type = "Pods", Value = 2, PeriodSeconds = 60 }] },
            ScaleDown = new V2HPAScalingRules { SelectPolicy = "Disabled", StabilizationWindowSeconds = 0 },
        };
        Assert.Equal(3, ScalingRules.Apply(autoscaler.Spec, 1, 10, memory, Noon).Replicas);
        memory.Changed(Noon, 2);
        Assert.Equal(3, ScalingRules.Apply(autoscaler.Spec, 3, 10, memory, Noon.AddSeconds(30)).Replicas);
        Assert.Equal(5, ScalingRules.Apply(autoscaler.Spec, 3, 10, memory, Noon.AddSeconds(61)).Replicas);
        Assert.Equal(5, ScalingRules.Apply(autoscaler.Spec, 5, 1, new ScalingMemory(), Noon).Replicas);
    }

    [Theory]
    [InlineData(9, 5, "Current number of replicas above Spec.MaxReplicas")]
    [InlineData(1, 2, "Current number of replicas below Spec.MinReplicas")]
    public void Bounds_HoldWithoutMeasurements(int current, int wanted, string reason)
    {
        var round = Round(Autoscaler(2, 5), new ScalingMemory());
        Assert.Equal(wanted, round.Decide(new ScaleSeen(current, true, Measure([]), "down")));
        Assert.Equal(reason, round.Reason);
    }

    [Fact]
    public void Zero_SwitchesItOff()
    {
        var round = Round(Autoscaler(1, 5), new ScalingMemory());
        Assert.Null(round.Decide(new ScaleSeen(0, true, Measure([]), null)));
        Assert.Equal("ScalingDisabled", Condition(round, "ScalingActive").Reason);
    }

    private static AutoscalerRound Round(V2HorizontalPodAutoscaler autoscaler, ScalingMemory memory) => new(autoscaler, memory, Noon);

    private static V2HorizontalPodAutoscalerCondition Condition(AutoscalerRound round, string type) =>
        round.Status.Build().Conditions.Single(c => c.Type == type);

    private static V2HorizontalPodAutoscaler Autoscaler(int least, int most) => new()
    {
        Metadata = new V1ObjectMeta { Name = "h", NamespaceProperty = "default" },
        Spec = new V2HorizontalPodAutoscalerSpec
        {
            MinReplicas = least,
            MaxReplicas = most,
            Metrics =
            [
                new V2MetricSpec
                {
                    Type = "Resource",
                    Resource = new V2ResourceMetricSource
                    {
                        Name = "cpu", Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = 50 },
                    },
                },
            ],
        },
    };

    /// <summary>Pods that request 100m; -1: not measured, -2: measured, but not ready.</summary>
    private static PodMeasurements Measure(int[] millicores, string? request = "100m")
    {
        var measured = new Dictionary<string, PodMeasurement>();
        var pods = new List<V1Pod>();
        for (var i = 0; i < millicores.Length; i++)
        {
            pods.Add(Pod($"p{i}", millicores[i] != -2, request));
            if (millicores[i] != -1)
            {
                measured[$"p{i}"] = new(
                    Noon.UtcDateTime, TimeSpan.FromSeconds(15),
                    new Dictionary<(string, string), decimal> { [("c", "cpu")] = millicores[i] == -2 ? 900 : millicores[i] });
            }
        }

        return new PodMeasurements(pods, measured, Noon);
    }

    private static V1Pod Pod(string name, bool ready, string? request) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" },
        Spec = new V1PodSpec
        {
            Containers =
            [
                new V1Container
                {
                    Name = "c",
                    Resources = request is null ? null : new V1ResourceRequirements
                    {
                        Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = request },
                    },
                },
            ],
        },
        Status = new V1PodStatus
        {
            Phase = "Running",
            StartTime = Noon.UtcDateTime.AddMinutes(ready ? -10 : -1),
            Conditions =
                [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False", LastTransitionTime = Noon.UtcDateTime.AddMinutes(-9) }],
        },
    };
}
