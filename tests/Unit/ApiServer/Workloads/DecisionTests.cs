using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Workloads.Deployments;
using Knet.ApiServer.Workloads.ReplicaSets;
using Knet.ApiServer.Workloads.Roles;
using Knet.ApiServer.Workloads.Scheduling;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>The decisions by themselves.</summary>
public sealed class DecisionTests
{
    private static readonly DateTime Born = new(2026, 1, 1, 11, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData("25%", "25%", 4, 1, 1)]
    [InlineData("25%", "25%", 10, 3, 2)]
    [InlineData("0", "0", 5, 0, 1)]
    [InlineData("10%", "10%", 3, 1, 0)]
    [InlineData("2", "50%", 3, 2, 1)]
    public void Limits_RoundSurgeUpAndUnavailableDown(string surge, string unavailable, int replicas, int maxSurge, int maxUnavailable)
    {
        var deployment = Deployment(replicas);
        deployment.Spec.Strategy = new V1DeploymentStrategy
        {
            RollingUpdate = new V1RollingUpdateDeployment { MaxSurge = surge, MaxUnavailable = unavailable },
        };
        Assert.Equal((maxSurge, maxUnavailable), RolloutMath.Limits(deployment));
    }

    [Fact]
    public void AggregatedRole_GetsTheRulesOfItsParts()
    {
        static V1ClusterRole Role(string name, string label, params string[] resources) => new()
        {
            Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { [label] = "true" } },
            Rules = [.. resources.Select(r => new V1PolicyRule { ApiGroups = [""], Resources = [r], Verbs = ["get"] })],
        };
        var whole = new V1ClusterRole
        {
            Metadata = new V1ObjectMeta { Name = "view" },
            AggregationRule = new V1AggregationRule
            {
                ClusterRoleSelectors = [new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["to-view"] = "true" } }],
            },
        };
        var parts = new[] { Role("b", "to-view", "pods", "services"), Role("a", "to-view", "pods"), Role("c", "to-edit", "secrets") };
        var step = Assert.IsType<PatchStep>(Assert.Single(new RoleAggregationReconciler().Reconcile(whole, new FakeView([whole, .. parts])).Steps));
        var rules = JsonNode.Parse(step.Body.Span)!["rules"]!.AsArray();
        Assert.Equal(["pods", "services"], rules.Select(r => r!["resources"]![0]!.ToString()));
        var done = whole with { Rules = [.. parts[0].Rules] };
        Assert.Empty(new RoleAggregationReconciler().Reconcile(done, new FakeView([done, .. parts])).Steps);
        Assert.Empty(new RoleAggregationReconciler().Reconcile(parts[0], new FakeView([done, .. parts])).Steps);
    }

    [Fact]
    public void Deployment_New_CreatesItsReplicaSet_WithAStableName()
    {
        var deployment = Deployment(2);
        var plan = Decide(deployment);
        var create = Assert.IsType<CreateStep>(plan.Steps[0]);
        Assert.Matches("^d-[bcdfghjklmnpqrstvwxz2456789]{5,10}$", create.Key.Name);
        Assert.Equal(create.Key, Decide(Deployment(2)).Steps[0].Key);
        Assert.NotEqual(create.Key, Decide(Deployment(2, image: "two")).Steps[0].Key);
        Assert.Equal("NewReplicaSetCreated", plan.Status!.Conditions.Single(c => c.Type == "Progressing").Reason);
        Assert.Equal("MinimumReplicasUnavailable", plan.Status.Conditions.Single(c => c.Type == "Available").Reason);
    }

    [Fact]
    public void Deployment_Stable_WritesNothing()
    {
        var deployment = Deployment(2);
        var set = Set(deployment, size: 2, available: 2);
        deployment = Settled(deployment, set);

        var plan = Decide(deployment, set);

        Assert.Empty(plan.Steps);
        Assert.True(JsonNode.DeepEquals(Json(deployment.Status), Json(plan.Status!)));
        Assert.Null(plan.RequeueAfter);
    }

    [Fact]
    public void Deployment_Deleting_OnlyReports()
    {
        var deployment = Deployment(2);
        deployment.Metadata.DeletionTimestamp = Born;
        Assert.Empty(Decide(deployment).Steps);
    }

    [Fact]
    public void Deployment_SetOfSomebodyElse_IsLeftAlone()
    {
        var deployment = Deployment(2);
        var foreign = Set(deployment, size: 2, available: 2);
        foreign.Metadata.OwnerReferences[0].Uid = "somebody";
        Assert.IsType<CreateStep>(Decide(deployment, foreign).Steps[0]);
    }

    [Fact]
    public void Scaled_IsOneWriteOfTheSize()
    {
        var deployment = Deployment(0);
        var set = Set(deployment, size: 0, available: 0);
        deployment = Settled(deployment, set);
        deployment.Spec.Replicas = 1;

        var patch = Assert.IsType<PatchStep>(Assert.Single(Decide(deployment, set).Steps));

        Assert.Equal(1, (int)JsonNode.Parse(patch.Body.Span)!["spec"]!["replicas"]!);
    }

    [Fact]
    public void Recreate_WaitsForTheOldPods()
    {
        var deployment = Deployment(1);
        deployment.Spec.Strategy = new V1DeploymentStrategy { Type = "Recreate" };
        var old = Set(Deployment(1, image: "old"), size: 0, available: 0);
        var pod = Pod("p", old);

        Assert.DoesNotContain(Decide(deployment, old, pod).Steps, s => s is CreateStep);
        Assert.Contains(Decide(deployment, old).Steps, s => s is CreateStep);
    }

    [Fact]
    public void NoProgress_RunsOutOfTime()
    {
        var deployment = Deployment(1);
        var set = Set(deployment, size: 1, available: 0);
        deployment = Settled(deployment, set);
        var progressing = deployment.Status.Conditions.Single(c => c.Type == "Progressing");
        (progressing.Reason, progressing.LastUpdateTime) = ("ReplicaSetUpdated", new DateTime(2026, 1, 1, 11, 49, 0, DateTimeKind.Utc));

        var now = Decide(deployment, set).Status!.Conditions.Single(c => c.Type == "Progressing");

        Assert.Equal(("False", "ProgressDeadlineExceeded"), (now.Status, now.Reason));
        Assert.Equal($"ReplicaSet \"{set.Metadata.Name}\" has timed out progressing.", now.Message);
    }

    [Fact]
    public void History_BeyondTheLimit_IsDeleted_OldestFirst()
    {
        var deployment = Deployment(1);
        deployment.Spec.RevisionHistoryLimit = 1;
        var newest = Set(deployment, size: 1, available: 1, revision: 3);
        var first = Set(Deployment(1, image: "a"), size: 0, available: 0, revision: 1);
        var second = Set(Deployment(1, image: "b"), size: 0, available: 0, revision: 2);
        deployment = Settled(deployment, newest);

        var deleted = Decide(deployment, newest, first, second).Steps.OfType<DeleteStep>();

        Assert.Equal([first.Metadata.Name], deleted.Select(d => d.Key.Name));
    }

    [Fact]
    public void ReplicaSet_MissingPods_AreMade_WithDifferentNames()
    {
        var set = Set(Deployment(3), size: 3, available: 0);
        var plan = new ReplicaSetReconciler().Reconcile(set, new FakeView(Pod("p", set)));
        Assert.Equal(2, plan.Steps.Select(s => Assert.IsType<CreateStep>(s).Key).Distinct().Count());

        var failed = plan.OnFailure!(plan.Steps[0], KubeException.Of(403, "Forbidden", "exceeded quota: q"));
        var condition = Assert.Single(failed.Conditions);
        Assert.Equal(
            ("ReplicaFailure", "True", "FailedCreate", "exceeded quota: q"),
            (condition.Type, condition.Status, condition.Reason, condition.Message));
    }

    [Fact]
    public void ReplicaSet_TooManyPods_LoseTheLeastUseful()
    {
        var set = Set(Deployment(1), size: 1, available: 0);
        var good = Pod("good", set, "Running", ready: Born);
        var young = Pod("young", set, "Running", ready: Born.AddMinutes(30));
        var sick = Pod("sick", set, "Running");
        var pending = Pod("pending", set, "Pending");
        var unbound = Pod("unbound", set, "Pending", node: null);
        var ended = Pod("ended", set, "Succeeded");

        var steps = new ReplicaSetReconciler().Reconcile(set, new FakeView(good, young, sick, pending, unbound, ended)).Steps;

        Assert.Equal(["unbound", "pending", "sick", "young"], steps.Select(s => Assert.IsType<DeleteStep>(s).Key.Name));
    }

    [Fact]
    public void ReplicaSet_WhosePodsTheNodeRefuses_TriesEverMoreRarely()
    {
        var set = Set(Deployment(1), size: 1, available: 0);
        V1Pod Refused(int number, DateTime created)
        {
            var pod = Pod($"p{number}", set, "Failed");
            pod.Metadata.CreationTimestamp = created;
            pod.Status.Message = "Pod was rejected: this node refuses hostPID: remove it";
            return pod;
        }

        var now = new FakeView().Now.UtcDateTime;
        V1Pod[] Five(DateTime created) => [.. Enumerable.Range(0, 5).Select(n => Refused(n, created))];
        var waiting = new ReplicaSetReconciler().Reconcile(set, new FakeView(Five(now)));
        Assert.Empty(waiting.Steps);
        Assert.Equal(TimeSpan.FromSeconds(4), waiting.RequeueAfter);
        Assert.Single(new ReplicaSetReconciler().Reconcile(set, new FakeView(Five(now.AddSeconds(-5)))).Steps);
    }

    [Fact]
    public void ReplicaSet_Deleting_OnlyReports()
    {
        var set = Set(Deployment(3), size: 3, available: 0);
        set.Metadata.DeletionTimestamp = Born;
        Assert.Empty(new ReplicaSetReconciler().Reconcile(set, new FakeView()).Steps);
    }

    [Fact]
    public void Placement_NamesEveryReason()
    {
        var pod = Pod("p", Set(Deployment(1), 1, 0), node: null);
        pod.Spec.Containers[0].Resources = new V1ResourceRequirements
        {
            Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = "2", ["memory"] = "1Gi" },
        };
        var small = WorkloadCluster.Node("small", cpu: "1");
        var tainted = WorkloadCluster.Node("tainted", cpu: "8");
        tainted.Spec = new V1NodeSpec { Taints = [new V1Taint { Key = "only", Value = "gpu", Effect = "NoSchedule" }] };
        var cordoned = WorkloadCluster.Node("cordoned", cpu: "8");
        cordoned.Spec = new V1NodeSpec { Unschedulable = true };
        var full = WorkloadCluster.Node("full", cpu: "8");
        var none = new Dictionary<string, decimal>();
        IReadOnlyDictionary<string, decimal> Taken(string node) => node == "full" ? new Dictionary<string, decimal> { ["pods"] = 110 } : none;

        Assert.Equal(
            "0/4 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) had untolerated taint {only: gpu}, "
            + "1 node(s) were unschedulable. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, "
            + "3 Preemption is not helpful for scheduling.",
            Placement.Decide(pod, [small, tainted, cordoned, full], Taken).Message);
        pod.Spec.Tolerations = [new V1Toleration { Key = "only", OperatorProperty = "Exists" }];
        Assert.Equal("tainted", Placement.Decide(pod, [small, tainted, cordoned, full], Taken).Node);
        pod.Spec.NodeSelector = new Dictionary<string, string> { ["kubernetes.io/hostname"] = "elsewhere" };
        Assert.Contains("didn't match Pod's node affinity/selector", Placement.Decide(pod, [tainted], Taken).Message);
        Assert.Equal("no nodes available to schedule pods", Placement.Decide(pod, [], Taken).Message);
    }

    [Fact]
    public void NodeUnderPressure_TakesNoPods_ThatItsShortageConcerns()
    {
        var pod = Pod("p", Set(Deployment(1), 1, 0), node: null);
        var node = WorkloadCluster.Node("n", cpu: "8");
        node.Status.Conditions = [new V1NodeCondition { Type = "MemoryPressure", Status = "True" }];
        string Message() => Placement.Decide(pod, [node], _ => new Dictionary<string, decimal>()).Message;
        Assert.Contains("untolerated taint {node.kubernetes.io/memory-pressure: }", Message());
        pod.Status = new V1PodStatus { QosClass = "Burstable" };
        Assert.Equal("", Message());
        node.Status.Conditions = [new V1NodeCondition { Type = "DiskPressure", Status = "True" }];
        Assert.Contains("untolerated taint {node.kubernetes.io/disk-pressure: }", Message());
    }

    private static Plan<V1DeploymentStatus> Decide(V1Deployment deployment, params k8s.IKubernetesObject<V1ObjectMeta>[] others) =>
        new DeploymentReconciler().Reconcile(deployment, new FakeView(others));

    private static JsonNode? Json<T>(T value) => JsonNode.Parse(Knet.Api.Meta.KubeJson.Serialize(value));

    private static V1Deployment Deployment(int replicas, string image = "one")
    {
        var deployment = WorkloadCluster.Deployment("d", replicas, image);
        (deployment.Metadata.Uid, deployment.Metadata.Generation) = ("d-uid", 1);
        return deployment;
    }

    private static V1ReplicaSet Set(V1Deployment deployment, int size, int available, long revision = 1)
    {
        var set = RolloutSets.Create(deployment, RolloutSets.HashOf(deployment), size, revision);
        (set.Metadata.Uid, set.Metadata.Generation, set.Metadata.CreationTimestamp) = (set.Metadata.Name + "-uid", 1, Born.AddMinutes(revision));
        set.Status = new V1ReplicaSetStatus { Replicas = size, ReadyReplicas = available, AvailableReplicas = available, ObservedGeneration = 1 };
        return set;
    }

    /// <summary>The Deployment as it stands when its reconciler has nothing more to do.</summary>
    private static V1Deployment Settled(V1Deployment deployment, V1ReplicaSet set)
    {
        deployment.Metadata.Annotations = new Dictionary<string, string>
        {
            ["deployment.kubernetes.io/revision"] = set.Metadata.Annotations["deployment.kubernetes.io/revision"],
        };
        return deployment with { Status = Decide(deployment, set).Status! };
    }

    private static V1Pod Pod(string name, V1ReplicaSet set, string phase = "Pending", DateTime? ready = null, string? node = "n1") => new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta
        {
            NamespaceProperty = "default",
            Name = name,
            Uid = name,
            CreationTimestamp = Born,
            Labels = set.Spec.Template.Metadata.Labels,
            OwnerReferences =
            [
                new V1OwnerReference
                {
                    ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = set.Metadata.Name, Uid = set.Metadata.Uid, Controller = true,
                },
            ],
        },
        Spec = set.Spec.Template.Spec with { NodeName = node, Containers = [set.Spec.Template.Spec.Containers[0] with { }] },
        Status = new V1PodStatus
        {
            Phase = phase,
            Conditions = ready is null ? null : [new V1PodCondition { Type = "Ready", Status = "True", LastTransitionTime = ready }],
        },
    };
}
