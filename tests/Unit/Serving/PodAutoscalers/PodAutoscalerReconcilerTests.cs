using System.Text;
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

public sealed class PodAutoscalerReconcilerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private int _desired = 1;
    private int _excess = -1;
    private int _replicas = 1;
    private int _ready = 1;
    private string _sksMode = "Proxy";
    private TimeSpan _proxiedFor = TimeSpan.FromHours(1);

    [Fact]
    public void Deleting_DoesNothing()
    {
        var plan = Run(Pa(null, TimeSpan.Zero, p => p.Metadata.DeletionTimestamp = Now.UtcDateTime));
        Assert.Null(plan.Status);
        Assert.Empty(plan.Steps);
    }

    [Fact]
    public void OtherClass_IsLeftAlone()
    {
        var plan = Run(Pa("True", TimeSpan.Zero, p => p.Metadata.Annotations =
            new Dictionary<string, string> { [AutoscalingKeys.Class] = "my.scaler" }));
        Assert.Null(plan.Status);
        Assert.Empty(plan.Steps);
    }

    [Fact]
    public void WithoutServerlessService_MakesItInProxyMode()
    {
        var plan = new PodAutoscalerReconciler().Reconcile(Pa(null, TimeSpan.Zero), View());
        var made = Assert.IsType<EnsureStep>(Assert.Single(plan.Steps));
        Assert.Equal("ServerlessService", made.Type.Kind);
        Assert.Contains("\"mode\":\"Proxy\"", Encoding.UTF8.GetString(made.Body.Span), StringComparison.Ordinal);
        var condition = ConditionSet.Find(plan.Status!.Conditions, "SKSReady")!;
        Assert.Equal(("Unknown", "NotReady", "No Private Service Name"), (condition.Status, condition.Reason, condition.Message));
    }

    [Fact]
    public void Stable_ScalesNothingAndKeepsItsStatus()
    {
        var pa = Pa("True", TimeSpan.FromMinutes(1));
        var first = Run(pa);
        Assert.Null(Scale(first));
        var second = Run(pa with { Status = first.Status! });
        Assert.Equal(KubeJson.Serialize(first.Status!), KubeJson.Serialize(second.Status!));
    }

    [Fact]
    public void Starved_ScalesUpBeforeAnythingElse()
    {
        (_desired, _replicas, _ready) = (1, 0, 0);
        var plan = Run(Pa("False", TimeSpan.FromHours(1)));
        var patch = Assert.IsType<PatchStep>(plan.Steps[0]);
        Assert.Equal(("Deployment", "scale"), (patch.Type.Kind, patch.Subresource));
        Assert.Equal("""[{"op":"add","path":"/spec/replicas","value":1}]""", Encoding.UTF8.GetString(patch.Body.Span));
        AssertActive(plan, "Unknown", "Queued");
        Assert.Equal((1, 0), (plan.Status!.DesiredScale, plan.Status.ActualScale));
    }

    [Fact]
    public void NoTraffic_WhileActiveForLessThanTheWindow_KeepsOne()
    {
        (_desired, _replicas, _ready) = (0, 3, 3);
        var plan = Run(Pa("True", TimeSpan.FromSeconds(20)));
        Assert.Equal(1, Scale(plan));
        Assert.Equal(TimeSpan.FromSeconds(40), plan.RequeueAfter);
        AssertActive(plan, "True", null);
    }

    [Fact]
    public void NoTraffic_AfterTheWindow_BecomesInactiveFirst()
    {
        (_desired, _replicas, _ready, _sksMode) = (0, 1, 1, "Serve");
        var plan = Run(Pa("True", TimeSpan.FromSeconds(60)));
        Assert.Null(Scale(plan));
        AssertActive(plan, "False", "NoTraffic");
        Assert.Equal("Proxy", Mode(plan));
    }

    [Theory]
    [InlineData(1, 3600, null, 0)] // in proxy mode longer than the grace period
    [InlineData(31, 0, null, 0)] // inactive longer than the grace period
    [InlineData(1, 10, 20, null)] // the rest of the grace period
    public void NoTraffic_WhileInactive_GoesToZeroAfterTheGracePeriod(int inactive, int proxied, int? requeue, int? replicas)
    {
        (_desired, _proxiedFor) = (0, TimeSpan.FromSeconds(proxied));
        var plan = Run(Pa("False", TimeSpan.FromSeconds(inactive)));
        Assert.Equal(replicas, Scale(plan));
        Assert.Equal(requeue, plan.RequeueAfter?.TotalSeconds);
    }

    [Fact]
    public void NoTraffic_WithRetention_WaitsForIt()
    {
        _desired = 0;
        var annotations = new Dictionary<string, string> { [AutoscalingKeys.ScaleToZeroPodRetentionPeriod] = "5m" };
        var plan = Run(Pa("False", TimeSpan.FromMinutes(4), p => p.Metadata.Annotations = annotations));
        Assert.Null(Scale(plan));
        Assert.Equal(TimeSpan.FromMinutes(1), plan.RequeueAfter);
        Assert.Equal(0, Scale(Run(Pa("False", TimeSpan.FromMinutes(4), p => p.Metadata.Annotations = annotations, "Unreachable"))));
    }

    [Fact]
    public void NeverActivated_GivesUpAfterTheProgressDeadline()
    {
        (_desired, _ready) = (-1, 0);
        var waiting = Run(Pa("Unknown", TimeSpan.FromSeconds(600), initialized: false));
        Assert.Null(Scale(waiting));
        Assert.Equal(TimeSpan.FromSeconds(30), waiting.RequeueAfter);
        var late = Run(Pa("Unknown", TimeSpan.FromSeconds(630), initialized: false));
        Assert.Equal(0, Scale(late));
        AssertActive(late, "False", "TimedOut");
    }

    [Theory]
    [InlineData(0, "2", "5", 2)]
    [InlineData(9, "2", "5", 5)]
    [InlineData(3, "2", "5", 3)]
    public void Bounds_AreKept(int desired, string min, string max, int scale)
    {
        (_desired, _replicas) = (desired, 99);
        var plan = Run(Pa("True", TimeSpan.FromHours(1), p => p.Metadata.Annotations =
            new Dictionary<string, string> { [AutoscalingKeys.MinScale] = min, [AutoscalingKeys.MaxScale] = max }));
        Assert.Equal(scale, Scale(plan));
    }

    [Fact]
    public void InitialScale_HoldsUntilReachedOnce()
    {
        (_desired, _ready, _replicas) = (1, 2, 3);
        var annotations = new Dictionary<string, string> { [AutoscalingKeys.InitialScale] = "3" };
        var before = Run(Pa("Unknown", TimeSpan.FromSeconds(5), p => p.Metadata.Annotations = annotations, initialized: false));
        Assert.Null(Scale(before));
        Assert.False(ConditionSet.IsTrue(before.Status!.Conditions, "ScaleTargetInitialized"));
        _ready = 3;
        var reached = Run(Pa("Unknown", TimeSpan.FromSeconds(5), p => p.Metadata.Annotations = annotations, initialized: false));
        Assert.True(ConditionSet.IsTrue(reached.Status!.Conditions, "ScaleTargetInitialized"));
        Assert.Equal(1, Scale(Run(Pa("True", TimeSpan.FromSeconds(5), p => p.Metadata.Annotations = annotations))));
    }

    [Theory]
    [InlineData(1, 5, "Serve")]
    [InlineData(1, -5, "Proxy")]
    public void Mode_FollowsTheExcessBurstCapacity(int desired, int excess, string mode)
    {
        (_desired, _excess) = (desired, excess);
        Assert.Equal(mode, Mode(Run(Pa("True", TimeSpan.FromMinutes(1)))));
    }

    [Fact]
    public void DeciderSpec_AnnotationsOverrideTheConfiguration()
    {
        var spec = new ScalingSettings(
            Pa("True", TimeSpan.Zero, p => p.Metadata.Annotations = new Dictionary<string, string>
            {
                [AutoscalingKeys.Target] = "50", ["autoscaling.knative.dev/targetUtilizationPercentage"] = "80",
                [AutoscalingKeys.Window] = "30s",
                [AutoscalingKeys.PanicWindowPercentage] = "50",
            }), new AutoscalerConfig()).ToDeciderSpec();
        Assert.Equal((10, 8), (spec.TotalValue, spec.TargetValue)); // the limit of 10 requests at a time is less than the target
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(15)), (spec.StableWindow, spec.PanicWindow));
    }

    private static void AssertActive(Plan<PodAutoscalerStatus> plan, string status, string? reason)
    {
        var active = ConditionSet.Find(plan.Status!.Conditions, "Active")!;
        Assert.Equal((status, reason), (active.Status, active.Reason));
    }

    private static int? Scale(Plan<PodAutoscalerStatus> plan) => plan.Steps.OfType<PatchStep>().SingleOrDefault() is { } patch
        ? int.Parse(Encoding.UTF8.GetString(patch.Body.Span).Split("\"value\":")[1].TrimEnd('}', ']'), null)
        : null;

    private static string? Mode(Plan<PodAutoscalerStatus> plan) => KubeJson.Deserialize<KnServerlessService>(
        plan.Steps.OfType<EnsureStep>().Single(s => s.Type.Kind == "ServerlessService").Body.Span).Spec.Mode;

    private static KnPodAutoscaler Pa(
        string? active, TimeSpan since, Action<KnPodAutoscaler>? change = null, string reachability = "Reachable", bool initialized = true)
    {
        var conditions = new List<KnCondition>();
        if (active is not null)
        {
            conditions.Add(new KnCondition
            {
                Type = "Active", Status = active, Reason = active == "False" ? "NoTraffic" : null,
                LastTransitionTime = (Now - since).UtcDateTime,
            });
        }

        if (initialized)
        {
            conditions.Add(new KnCondition { Type = "ScaleTargetInitialized", Status = "True", LastTransitionTime = Now.UtcDateTime });
        }

        var pa = new KnPodAutoscaler
        {
            Metadata = new V1ObjectMeta
            {
                Name = "r", NamespaceProperty = "ns", Uid = "u", Generation = 1,
                Labels = new Dictionary<string, string> { [ServingKeys.Revision] = "r" },
            },
            Spec = new PodAutoscalerSpec
            {
                ContainerConcurrency = 10, Reachability = reachability, ProtocolType = "http1",
                ScaleTargetRef = new V1ObjectReference { ApiVersion = "apps/v1", Kind = "Deployment", Name = "r-deployment" },
            },
            Status = new PodAutoscalerStatus { ObservedGeneration = 1, Conditions = conditions },
        };
        change?.Invoke(pa);
        return pa;
    }

    private Plan<PodAutoscalerStatus> Run(KnPodAutoscaler pa) => new PodAutoscalerReconciler().Reconcile(pa, View(new KnServerlessService
    {
        Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "ns" },
        Spec = new ServerlessServiceSpec { Mode = _sksMode },
        Status = new ServerlessServiceStatus
        {
            ServiceName = "r", PrivateServiceName = "r-private",
            Conditions =
            [
                new KnCondition
                {
                    Type = "ActivatorEndpointsPopulated", Status = "True", LastTransitionTime = (Now - _proxiedFor).UtcDateTime,
                },
                new KnCondition { Type = "Ready", Status = "True" },
            ],
        },
    }));

    private FakeView View(params k8s.IKubernetesObject<V1ObjectMeta>[] more) => new FakeView(
        [
            new V1Deployment
            {
                Metadata = new V1ObjectMeta { Name = "r-deployment", NamespaceProperty = "ns" },
                Spec = new V1DeploymentSpec { Replicas = _replicas },
            },
            .. Enumerable.Range(0, _ready).Select(Pod), .. more,
        ])
    { Now = Now }
        .With(new AutoscalerConfig())
        .Knowing<DeciderQuery, ScaleDecision>(_ => new ScaleDecision(_desired, _excess))
        .Knowing<ActivatorInPath, bool>(_ => true);

    private static V1Pod Pod(int index) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = $"p{index}", NamespaceProperty = "ns", Labels = new Dictionary<string, string> { [ServingKeys.Revision] = "r" },
        },
        Status = new V1PodStatus { Phase = "Running", Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }] },
    };
}
