using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Facts;
using Knet.Serving.Configurations;
using Knet.Serving.Labeler;
using Knet.Serving.Revisions;
using Knet.Serving.Routes;
using Knet.Serving.Services;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>All of Serving's reconcilers together, with the node and the data plane played by the test.</summary>
public sealed class WorldTests
{
    private static World WithContainer(V1ContainerStatus container)
    {
        var world = new World().Having(A.Service("hello"));
        world.Facts[Query] = new Fact<string>.Known(A.Digest);
        Settle(world);
        var revision = world.Take<KnRevision>("hello-00001");
        world.Having(new V1Pod
        {
            Metadata = A.Meta("pod") with
            {
                Labels = new Dictionary<string, string> { ["serving.knative.dev/revisionUID"] = revision.Metadata.Uid },
            },
            Status = new V1PodStatus { ContainerStatuses = [container] },
        });
        world.Take<V1Deployment>("hello-00001-deployment").Status = A.Deployed(0);
        Settle(world);
        return world;
    }

    private static readonly DigestQuery Query = new(A.Namespace, A.Image, "", "");

    [Fact]
    public void Service_BecomesReadyAndThenNothingIsWritten()
    {
        var world = new World().Having(A.Service("hello"));
        world.Facts[Query] = new Fact<string>.Known(A.Digest);
        Settle(world);

        var service = world.Take<KnService>("hello");
        Assert.Equal("Unknown", ConditionSet.Find(service.Status.Conditions, "Ready")!.Status);
        Assert.Equal("http://hello.default.localhost", service.Status.Url);
        Assert.Equal("hello-00001", service.Status.LatestCreatedRevisionName);

        Start(world);
        Settle(world);
        service = world.Take<KnService>("hello");
        Assert.True(ConditionSet.IsTrue(service.Status.Conditions), Text(service.Status.Conditions));
        Assert.Equal("hello-00001", service.Status.LatestReadyRevisionName);
        Assert.Equal("http://hello.default.svc.cluster.local", service.Status.Address!.Url);
        Assert.Equal([new TrafficTarget { RevisionName = "hello-00001", LatestRevision = true, Percent = 100 }], service.Status.Traffic!);
        Assert.Equal(1, service.Status.ObservedGeneration);
        Assert.Equal("knet-gateway.knative-serving.svc.cluster.local", world.Take<V1Service>("hello").Spec.ExternalName);

        world.Writes.Clear();
        Pass(world);
        Assert.Empty(world.Writes);
    }

    [Fact]
    public void Service_CostsFewWrites()
    {
        var world = new World().Having(A.Service("hello"));
        world.Facts[Query] = new Fact<string>.Known(A.Digest);
        Settle(world);
        Start(world);
        Settle(world);
        var children = world.Writes.Where(w => !w.StartsWith("status", StringComparison.Ordinal)).Order();
        Assert.Equal(
            [
                "apply Service/hello", "create Deployment/hello-00001-deployment", "create Revision/hello-00001",
                "ensure Configuration/hello",
                "ensure Ingress/hello", "ensure PodAutoscaler/hello-00001", "ensure Route/hello",
            ],
            children);
    }

    [Fact]
    public void CrashingContainer_IsTheServicesReason()
    {
        var world = WithContainer(new V1ContainerStatus
        {
            Name = "user-container",
            LastState = new V1ContainerState
            {
                Terminated = new V1ContainerStateTerminated { ExitCode = 3, Message = "starting\nno database.\n", Reason = "Error" },
            },
        });
        var ready = ConditionSet.Find(world.Take<KnService>("hello").Status.Conditions, "Ready")!;
        Assert.Equal("False", ready.Status);
        Assert.Equal("RevisionMissing", ConditionSet.Find(world.Take<KnRoute>("hello").Status.Conditions, "Ready")!.Reason);
        Assert.Equal(
            "Revision \"hello-00001\" failed with message: Container failed with: no database (exit code 3).",
            ready.Message);
        Assert.Equal("ExitCode3", ConditionSet.Find(world.Take<KnRevision>("hello-00001").Status.Conditions, "Ready")!.Reason);
    }

    [Theory]
    [InlineData("ErrImagePull", "not loaded", "not loaded")]
    [InlineData("ImagePullBackOff", "Back-off pulling image \"a/b\": ErrImagePull: not loaded", "not loaded")]
    [InlineData("CreateContainerConfigError", "configmap \"nope\" not found", "configmap \"nope\" not found")]
    public void ContainerThatCannotStart_IsTheServicesReasonAtOnceAndHeals(string reason, string message, string want)
    {
        var world = WithContainer(new V1ContainerStatus
        {
            Name = "user-container",
            State = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = reason, Message = message } },
        });
        Assert.Equal(
            $"Revision \"hello-00001\" failed with message: {want}.",
            ConditionSet.Find(world.Take<KnService>("hello").Status.Conditions, "Ready")!.Message);
        Start(world);
        Settle(world);
        Assert.True(ConditionSet.IsTrue(world.Take<KnService>("hello").Status.Conditions));
    }

    [Fact]
    public void PodThatTheNodeRefuses_IsTheServicesReason()
    {
        var world = WithContainer(new V1ContainerStatus { Name = "user-container" });
        var pod = world.Take<V1Pod>("pod");
        world.Having(pod with
        {
            Status = new V1PodStatus { Phase = "Failed", Reason = "Forbidden", Message = "Pod was rejected: this node refuses hostPID: remove it" },
        });
        Settle(world);
        Assert.Equal(
            "Revision \"hello-00001\" failed with message: Pod was rejected: this node refuses hostPID: remove it.",
            ConditionSet.Find(world.Take<KnService>("hello").Status.Conditions, "Ready")!.Message);
    }

    [Fact]
    public void MissingImage_IsTheServicesReasonAndHeals()
    {
        var world = new World().Having(A.Service("hello"));
        world.Facts[Query] = new Fact<string>.Failed("GET http://localhost:5000/v2/hello/manifests/v1: 404 Not Found");
        Settle(world);
        Assert.Equal(
            $"Revision \"hello-00001\" failed with message: Unable to fetch image \"{A.Image}\": " +
            "GET http://localhost:5000/v2/hello/manifests/v1: 404 Not Found.",
            ConditionSet.Find(world.Take<KnService>("hello").Status.Conditions, "Ready")!.Message);

        world.Facts[Query] = new Fact<string>.Known(A.Digest);
        Settle(world);
        Start(world);
        Settle(world);
        Assert.True(ConditionSet.IsTrue(world.Take<KnService>("hello").Status.Conditions));
    }

    [Fact]
    public void NewImage_MovesTrafficAndRetiresTheOldRevision()
    {
        var world = new World().Having(A.Service("hello"));
        world.Facts[Query] = new Fact<string>.Known(A.Digest);
        Settle(world);
        Start(world);
        Settle(world);
        var service = world.Take<KnService>("hello");
        var template = A.Service("hello", A.Template(A.Container("localhost:5000/hello:v2"))).Spec.Template;
        world.Having(
            service with { Metadata = service.Metadata with { Generation = 2 }, Spec = service.Spec with { Template = template } });
        world.Facts[Query with { Image = "localhost:5000/hello:v2" }] = new Fact<string>.Known(A.Digest.Replace('1', '2'));
        Settle(world);
        Assert.Equal("active", world.Take<KnRevision>("hello-00001").Metadata.Labels["serving.knative.dev/routingState"]);
        Assert.Equal("hello-00001", world.Take<KnRoute>("hello").Status.Traffic![0].RevisionName);

        Start(world);
        Settle(world);
        Assert.Equal("hello-00002", world.Take<KnService>("hello").Status.Traffic![0].RevisionName);
        Assert.True(ConditionSet.IsTrue(world.Take<KnService>("hello").Status.Conditions));
        var old = world.Take<KnRevision>("hello-00001").Metadata;
        Assert.Equal("reserve", old.Labels["serving.knative.dev/routingState"]);
        Assert.False(old.Annotations.ContainsKey("serving.knative.dev/routes"));
        Assert.Equal("Unreachable", world.Take<KnPodAutoscaler>("hello-00001").Spec.Reachability);
    }

    private static string Text(List<KnCondition>? conditions) => string.Join("\n", conditions ?? []);

    /// <summary>The node runs what is deployed, the autoscaler reports it, the data plane takes over the Ingress.</summary>
    private static void Start(World world)
    {
        for (var i = 0; i < 3; i++)
        {
            foreach (var deployment in world.All<V1Deployment>(A.Namespace))
            {
                deployment.Status = A.Deployed(1);
            }

            foreach (var scaler in world.All<KnPodAutoscaler>(A.Namespace))
            {
                world.Having(scaler with { Status = A.Scaled(1) });
            }

            foreach (var ingress in world.All<KnIngress>(A.Namespace))
            {
                world.Having(ingress with { Status = A.Routing(ingress.Metadata.Generation) });
            }

            Settle(world);
        }
    }

    private static void Settle(World world)
    {
        for (var i = 0; i < 20; i++)
        {
            var before = world.Writes.Count;
            Pass(world);
            if (world.Writes.Count == before)
            {
                return;
            }
        }

        Assert.Fail("still writing after 20 passes: " + string.Join(", ", world.Writes.TakeLast(10)));
    }

    private static void Pass(World world)
    {
        world.Run(new ServiceReconciler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new ConfigurationReconciler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new RevisionReconciler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new RouteReconciler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new RouteLabeler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new RevisionUnlabeler(), s => s.Status, (s, status) => s with { Status = status });
        world.Run(new ConfigurationUnlabeler(), s => s.Status, (s, status) => s with { Status = status });
    }
}
