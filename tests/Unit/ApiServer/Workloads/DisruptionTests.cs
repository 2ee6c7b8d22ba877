using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Disruptions;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>Disruption budgets and evictions.</summary>
public sealed class DisruptionTests
{
    [Theory]
    [InlineData("2", null, 3, 3, 2, 1)]
    [InlineData("50%", null, 4, 3, 2, 1)] // of the four that the set wants, though one is not ready
    [InlineData(null, "1", 4, 3, 3, 0)]
    [InlineData(null, "25%", 5, 5, 3, 2)] // rounded up
    [InlineData("5", null, 3, 3, 5, 0)]
    public void Budget_IsWhatIsHealthyBeyondWhatMustBe(string? least, string? most, int replicas, int ready, int desired, int allowed)
    {
        var budget = Budget(least, most);
        var set = new V1ReplicaSet
        {
            Metadata = new V1ObjectMeta { Name = "s", NamespaceProperty = "default", Uid = "uid-s" },
            Spec = new V1ReplicaSetSpec { Replicas = replicas },
        };
        var pods = Enumerable.Range(0, replicas).Select(i => Pod($"p{i}", i < ready));
        var status = new DisruptionReconciler().Reconcile(budget, new FakeView([budget, set, .. pods])).Status!;
        Assert.Equal((ready, desired, allowed), (status.CurrentHealthy, status.DesiredHealthy, status.DisruptionsAllowed));
        Assert.Equal(allowed > 0 ? "SufficientPods" : "InsufficientPods", Assert.Single(status.Conditions).Reason);
    }

    [Fact]
    public async Task Eviction_TakesFromTheBudget_AndIsRefusedBeyondIt()
    {
        await using var cluster = await WorkloadCluster.StartAsync();
        await cluster.Client.CreateAsync(WorkloadCluster.Deployment("d", 2), CancellationToken.None);
        await cluster.PlayNodeUntil(() => cluster.Deployments.Find("default", "d")?.Status?.AvailableReplicas == 2, "2 available");
        var budget = Budget("1", null);
        budget.Spec.Selector.MatchLabels = new Dictionary<string, string> { ["app"] = "d" };
        await cluster.Client.CreateAsync(budget, CancellationToken.None);
        await WorkloadCluster.UntilAsync(
            async () => (await cluster.Client.GetAsync<V1PodDisruptionBudget>("default", "b", CancellationToken.None))
                .Status?.DisruptionsAllowed == 1,
            "one may go");
        var pods = cluster.Pods.List("default");
        await EvictAsync(cluster, pods[0].Metadata.Name);
        var refused = await Assert.ThrowsAsync<KubeException>(() => EvictAsync(cluster, pods[1].Metadata.Name));
        Assert.Equal((429, "Cannot evict pod as it would violate the pod's disruption budget."), (refused.Code, refused.Message));
        Assert.StartsWith("The disruption budget b needs 1 healthy pods and has ", Assert.Single(refused.Status.Details.Causes).Message);
        Assert.NotNull((await cluster.Client.GetAsync<V1Pod>("default", pods[0].Metadata.Name, CancellationToken.None)).Metadata.DeletionTimestamp);
    }

    private static Task EvictAsync(WorkloadCluster cluster, string pod) => cluster.Client.Transport.SendAsync(
        new KubeRequest(KubeVerb.Create, ResourceType.Of<V1Pod>())
        {
            Namespace = "default", Name = pod, Subresource = "eviction",
            Body = Encoding.UTF8.GetBytes($$$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{{{pod}}}"}}"""),
        }, CancellationToken.None);

    private static V1PodDisruptionBudget Budget(string? least, string? most) => new()
    {
        ApiVersion = "policy/v1",
        Kind = "PodDisruptionBudget",
        Metadata = new V1ObjectMeta { Name = "b", NamespaceProperty = "default" },
        Spec = new V1PodDisruptionBudgetSpec
        {
            MinAvailable = least, MaxUnavailable = most,
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "w" } },
        },
    };

    private static V1Pod Pod(string name, bool ready) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = "default",
            Labels = new Dictionary<string, string> { ["app"] = "w" },
            OwnerReferences = [new V1OwnerReference { Kind = "ReplicaSet", Name = "s", Uid = "uid-s", Controller = true }],
        },
        Status = new V1PodStatus { Phase = "Running", Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False" }] },
    };
}
