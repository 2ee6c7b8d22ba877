using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Kube.Controllers;
using Knet.Serving.Autoscaler;
using Knet.Serving.PodAutoscalers;
using Knet.Tests.Unit.Kube;
using Xunit;

namespace Knet.Tests.Unit.Serving.PodAutoscalers;

public sealed class HpaClassReconcilerTests
{
    [Theory]
    [InlineData("cpu", "70.5", """[{"resource":{"name":"cpu","target":{"averageUtilization":71,"type":"Utilization"}},"type":"Resource"}]""")]
    [InlineData("memory", "200", """[{"resource":{"name":"memory","target":{"averageValue":"200Mi","type":"AverageValue"}},"type":"Resource"}]""")]
    [InlineData("queue", "5", """[{"pods":{"metric":{"name":"queue"},"target":{"averageValue":"5","type":"AverageValue"}},"type":"Pods"}]""")]
    [InlineData("cpu", null, null)]
    public void Target_BecomesTheMetric(string metric, string? target, string? expected)
    {
        var pa = Pa((AutoscalingKeys.Metric, metric), (AutoscalingKeys.Target, target));
        var metrics = Spec(Run(pa))["metrics"];
        Assert.True(JsonNode.DeepEquals(expected is null ? null : JsonNode.Parse(expected), metrics), $"{metrics}");
    }

    [Fact]
    public void Bounds_AndWindow_AreHandedOver()
    {
        var spec = Spec(Run(Pa((AutoscalingKeys.MinScale, "2"), (AutoscalingKeys.MaxScale, "9"), (AutoscalingKeys.Window, "30s"))));
        Assert.Equal((2, 9), ((int)spec["minReplicas"]!, (int)spec["maxReplicas"]!));
        Assert.Equal(30, (int)spec["behavior"]!["scaleDown"]!["stabilizationWindowSeconds"]!);
        var plain = Spec(Run(Pa()));
        Assert.Equal((null, int.MaxValue), (plain["minReplicas"], (int)plain["maxReplicas"]!));
    }

    [Fact]
    public void ServerlessService_Serves()
    {
        var body = Encoding.UTF8.GetString(Assert.IsType<EnsureStep>(Run(Pa()).Steps[1]).Body.Span);
        Assert.Contains("\"mode\":\"Serve\"", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "Unknown")]
    [InlineData(2, "True")]
    public void Ready_WhenTheInitialScaleIsReached(int replicas, string ready)
    {
        var pa = Pa((AutoscalingKeys.MinScale, "2"));
        var scaler = new V2HorizontalPodAutoscaler
        {
            Metadata = new V1ObjectMeta
            {
                Name = "r", NamespaceProperty = "ns",
                OwnerReferences = [new V1OwnerReference { Uid = "pa", Controller = true }],
            },
            Status = new V2HorizontalPodAutoscalerStatus { CurrentReplicas = replicas, DesiredReplicas = 2 },
        };
        var sks = new KnServerlessService
        {
            Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "ns" },
            Status = new() { ServiceName = "r", Conditions = [new KnCondition { Type = "Ready", Status = "True" }] },
        };
        var status = Run(pa, new FakeView(scaler, sks)).Status!;
        Assert.Equal(ready, ConditionSet.Find(status.Conditions, "Ready")!.Status);
        Assert.Equal("True", ConditionSet.Find(status.Conditions, "Active")!.Status);
        Assert.Equal((replicas, 2, "r"), (status.ActualScale, status.DesiredScale, status.ServiceName));
    }

    [Fact]
    public void ForeignAutoscaler_IsLeftAlone()
    {
        var scaler = new V2HorizontalPodAutoscaler { Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "ns" } };
        var plan = Run(Pa(), new FakeView(scaler));
        Assert.Empty(plan.Steps);
        Assert.Equal(
            "There is an existing HorizontalPodAutoscaler \"r\" that we do not own.",
            ConditionSet.Find(plan.Status!.Conditions, "Ready")!.Message);
    }

    [Fact]
    public void OtherClass_IsLeftAlone()
    {
        var plan = Run(Pa((AutoscalingKeys.Class, AutoscalingKeys.KpaClass)));
        Assert.True(plan.Status is null && plan.Steps.IsEmpty);
    }

    private static JsonNode Spec(Plan<PodAutoscalerStatus> plan) =>
        JsonNode.Parse(Assert.IsType<ApplyStep>(plan.Steps[0]).Body.Span)!["spec"]!;

    private static Plan<PodAutoscalerStatus> Run(KnPodAutoscaler pa, FakeView? view = null) =>
        new HpaClassReconciler().Reconcile(pa, (view ?? new FakeView()).With(new AutoscalerConfig()));

    private static KnPodAutoscaler Pa(params (string Key, string? Value)[] annotations)
    {
        var all = new Dictionary<string, string> { [AutoscalingKeys.Class] = AutoscalingKeys.HpaClass };
        foreach (var (key, value) in annotations.Where(a => a.Value is not null))
        {
            all[key] = value!;
        }

        return new KnPodAutoscaler
        {
            Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "ns", Uid = "pa", Generation = 1, Annotations = all },
            Spec = new() { ScaleTargetRef = new V1ObjectReference { ApiVersion = "apps/v1", Kind = "Deployment", Name = "r-deployment" } },
        };
    }
}
