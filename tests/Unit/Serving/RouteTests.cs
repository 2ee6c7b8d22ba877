using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Routes;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class RouteTests
{
    [Fact]
    public void ExternalPort_StandsInUrlsButNotInHosts()
    {
        var world = World().With(new NetworkConfig { ExternalPort = 8080 });
        var (status, ingress) = Run(A.Route("hello", A.To("hello", 100), A.Pinned("old", 0, "old")), world);
        Assert.Equal("http://hello.default.localhost:8080", status.Url);
        Assert.Equal("http://old-hello.default.localhost:8080", status.Traffic![1].Url);
        Assert.Equal("http://hello.default.svc.cluster.local", status.Address!.Url);
        Assert.Contains(ingress.Spec.Rules!, r => r.Hosts!.SequenceEqual(["old-hello.default.localhost"]));
    }

    [Fact]
    public void ClusterLocalRoute_HasNoExternalRule()
    {
        var route = A.Route("hello");
        route.Metadata.Labels = new Dictionary<string, string> { ["networking.knative.dev/visibility"] = "cluster-local" };
        var (status, ingress) = Run(route, World());
        Assert.Equal("http://hello.default.svc.cluster.local", status.Url);
        Assert.Equal("ClusterLocal", Assert.Single(ingress.Spec.Rules!).Visibility);
        Assert.Equal("TLS is not enabled for cluster-local", ConditionSet.Find(status.Conditions, "CertificateProvisioned")!.Message);
    }

    [Fact]
    public void SplitTraffic_LeavesZeroSharesOutAndMergesEqualRevisions()
    {
        var (_, ingress) = Run(
            A.Route("hello", A.To("hello", 40), A.Pinned("hello-00001", 30), A.Pinned("old", 30), A.Pinned("old", 0, "t")), World());
        var splits = ingress.Spec.Rules![0].Http!.Paths[0].Splits;
        Assert.Equal([("hello-00001", 70), ("old", 30)], splits.Select(s => (s.ServiceName, s.Percent!.Value)));
        var tag = ingress.Spec.Rules.Single(r => r.Hosts![0] == "t-hello.default");
        Assert.Equal([("old", 100)], tag.Http!.Paths[0].Splits.Select(s => (s.ServiceName, s.Percent!.Value)));
        Assert.Equal("old", splits[1].AppendHeaders!["Knative-Serving-Revision"]);
    }

    [Fact]
    public void HeaderRouting_AddsAPathForEachTag()
    {
        var world = World().With(new FeaturesConfig { TagHeaderBasedRouting = FeatureFlag.Enabled });
        var (_, ingress) = Run(A.Route("hello", A.To("hello"), A.Pinned("old", 0, "t")), world);
        var paths = ingress.Spec.Rules![0].Http!.Paths;
        Assert.Equal("t", paths[0].Headers!["Knative-Serving-Tag"].Exact);
        Assert.Equal("true", paths[1].AppendHeaders!["Knative-Serving-Default-Route"]);
    }

    [Fact]
    public void RevisionOfAnotherService_IsRefused()
    {
        var route = A.Route("hello", A.Pinned("old", 100));
        route.Metadata.Labels = new Dictionary<string, string> { ["serving.knative.dev/service"] = "hello" };
        var plan = new RouteReconciler().Reconcile(route, World());
        Assert.Equal(
            "Revision \"old\" does not belong to Service \"hello\".", ConditionSet.Find(plan.Status!.Conditions, "Ready")!.Message);
    }

    [Fact]
    public void DomainTemplate_MayUseLabels()
    {
        var network = NetworkConfig.Parse(new Dictionary<string, string>
        {
            ["domain-template"] = "{{.Name}}-{{index .Labels \"team\"}}.{{.Domain}}",
        });
        var route = A.Route("hello");
        route.Metadata.Labels = new Dictionary<string, string> { ["team"] = "blue" };
        Assert.Equal("http://hello-blue.localhost", Run(route, World().With(network)).Status.Url);
    }

    [Fact]
    public void HostThatIsNoName_IsAnErrorOfTheConfiguration()
    {
        var network = NetworkConfig.Parse(new Dictionary<string, string> { ["domain-template"] = "{{.Name}}_{{.Namespace}}.{{.Domain}}" });
        var plan = new RouteReconciler().Reconcile(A.Route("hello"), World().With(network));
        var condition = ConditionSet.Find(plan.Status!.Conditions, "AllTrafficAssigned")!;
        Assert.Equal("ErrorConfig", condition.Reason);
        Assert.StartsWith("domain name error: invalid domain name \"hello_default.localhost\"", condition.Message);
    }

    [Fact]
    public void RemovedTag_TakesItsPlaceholderAlong()
    {
        var route = A.Route("hello");
        var orphan = new V1Service
        {
            Metadata = A.Meta("t-hello") with
            {
                Labels = new Dictionary<string, string> { ["serving.knative.dev/route"] = "hello" },
                OwnerReferences = [A.Owner("Route", "hello")],
            },
            Spec = new V1ServiceSpec { Type = "ExternalName" },
        };
        var plan = new RouteReconciler().Reconcile(route, World().Having(orphan));
        Assert.Contains(plan.Steps, s => s is DeleteStep { Key.Name: "t-hello" });
    }

    [Fact]
    public void DataPlaneWithAnAddress_GetsAHeadlessServiceAndEndpoints()
    {
        var world = World();
        var route = A.Route("hello");
        Run(route, world);
        var ingress = world.Take<KnIngress>("hello");
        world.Having(ingress with
        {
            Status = A.Routing(1) with
            {
                PrivateLoadBalancer = new LoadBalancerStatus { Ingress = [new LoadBalancerIngress { Ip = "10.0.0.1" }] },
            },
        });
        Run(route, world);
        Assert.Equal("None", world.Take<V1Service>("hello").Spec.ClusterIP);
        Assert.Equal("10.0.0.1", world.Take<V1Endpoints>("hello").Subsets[0].Addresses[0].Ip);
    }

    [Fact]
    public void GradualRollout_MovesTrafficInSteps()
    {
        var world = World().With(new NetworkConfig { RolloutDurationSeconds = 60 });
        var route = A.Route("hello");
        Run(route, world);
        Ready(world);
        world.Having(A.Configuration("hello").WithLatest("hello-00002", "hello-00002"), A.Revision("hello-00002", generation: 2).Ready());

        var (status, _) = Run(route, world);
        Assert.Equal([("hello-00001", 99L), ("hello-00002", 1L)], status.Traffic!.Select(t => (t.RevisionName!, t.Percent!.Value)));
        Assert.Equal("RolloutInProgress", ConditionSet.Find(status.Conditions, "IngressReady")!.Reason);

        world.Now += TimeSpan.FromSeconds(2);
        Ready(world);
        var plan = new RouteReconciler().Reconcile(route, world);
        Assert.Equal(2, plan.RequeueAfter!.Value.TotalSeconds, 0.1);
        var last = 1L;
        for (var i = 0; i < 60 && last < 100; i++)
        {
            (status, _) = Run(route, world);
            Ready(world);
            Assert.Equal(100, status.Traffic!.Sum(t => t.Percent));
            Assert.InRange(status.Traffic![^1].Percent!.Value, last, 100);
            last = status.Traffic[^1].Percent!.Value;
            world.Now += TimeSpan.FromSeconds(2);
        }

        Assert.Equal(("hello-00002", 100L), (status.Traffic![0].RevisionName, status.Traffic[0].Percent));
        Assert.InRange((world.Now - Builders.World.Start).TotalSeconds, 50, 70);
    }

    private static World World() => new World().Having(
        A.Configuration("hello").WithLatest("hello-00001", "hello-00001"), A.Revision("hello-00001").Ready(), A.Revision("old").Ready());

    private static void Ready(World world)
    {
        var ingress = world.Take<KnIngress>("hello");
        world.Having(ingress with { Status = A.Routing(ingress.Metadata.Generation) });
    }

    private static (RouteStatus Status, KnIngress Ingress) Run(KnRoute route, World world)
    {
        var plan = new RouteReconciler().Reconcile(route, world);
        foreach (var step in plan.Steps)
        {
            world.Execute(step);
        }

        return (plan.Status!, world.Take<KnIngress>("hello"));
    }
}
