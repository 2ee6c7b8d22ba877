using k8s;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;
using Knet.Serving.Configurations;
using Knet.Serving.Revisions;
using Knet.Serving.Routes;
using Knet.Serving.Services;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>The rows every reconciler has: deleting, a child of somebody else, a write that fails. Absent and stable are in
/// WorldTests.</summary>
public sealed class ReconcilerRowTests
{
    private static readonly KubeException Forbidden = KubeException.Of(403, "Forbidden", "quota is used up");

    [Fact]
    public void Deleting_NothingIsDone()
    {
        var world = new World();
        AssertNothing(new ServiceReconciler().Reconcile(Deleting(A.Service("hello"), s => s.Metadata), world));
        AssertNothing(new ConfigurationReconciler().Reconcile(Deleting(A.Configuration("hello"), s => s.Metadata), world));
        AssertNothing(new RevisionReconciler().Reconcile(Deleting(A.Revision("r"), s => s.Metadata), world));
        AssertNothing(new RouteReconciler().Reconcile(Deleting(A.Route("hello"), s => s.Metadata), world));
    }

    [Fact]
    public void ForeignConfiguration_IsLeftAlone()
    {
        var plan = new ServiceReconciler().Reconcile(A.Service("hello"), new World().Having(A.Configuration("hello")));
        Assert.Empty(plan.Steps);
        AssertReady(
            plan.Status!.Conditions, "False", "NotOwned", "There is an existing Configuration \"hello\" that we do not own.");
    }

    [Fact]
    public void ForeignRoute_IsLeftAlone()
    {
        var plan = new ServiceReconciler().Reconcile(A.Service("hello"), new World().Having(A.Route("hello")));
        Assert.Equal("Configuration", Assert.Single(plan.Steps).Type.Kind);
        Assert.Equal(
            "There is an existing Route \"hello\" that we do not own.", ConditionSet.Find(plan.Status!.Conditions, "RoutesReady")!.Message);
    }

    [Fact]
    public void OlderRevisionNamedAgain_IsTheLatestReadyOne()
    {
        var template = A.Template();
        template = template with { Metadata = new V1ObjectMeta { Name = "hello-old" } };
        var rolledBack = A.Configuration("hello", template);
        rolledBack = rolledBack with
        {
            Metadata = rolledBack.Metadata with { Generation = 3 },
            Status = rolledBack.Status with { LatestCreatedRevisionName = "hello-new", LatestReadyRevisionName = "hello-new" },
        };
        var world = new World().Having(A.Revision("hello-old", generation: 1).Ready(), A.Revision("hello-new", generation: 2).Ready());
        var status = new ConfigurationReconciler().Reconcile(rolledBack, world).Status!;
        Assert.Equal(("hello-old", "hello-old"), (status.LatestCreatedRevisionName, status.LatestReadyRevisionName));
        AssertReady(status.Conditions, "True", null, null);
    }

    [Fact]
    public void ForeignDeployment_IsLeftAlone()
    {
        var world = Resolved().Having(new V1Deployment { Metadata = A.Meta("r-deployment") });
        var plan = new RevisionReconciler().Reconcile(A.Revision("r"), world);
        Assert.Empty(plan.Steps);
        AssertReady(plan.Status!.Conditions, "False", "NotOwned", "There is an existing Deployment \"r-deployment\" that we do not own.");
    }

    [Fact]
    public void ForeignPlaceholder_IsLeftAlone()
    {
        var world = Routable().Having(new V1Service { Metadata = A.Meta("hello"), Spec = new V1ServiceSpec() });
        var plan = new RouteReconciler().Reconcile(A.Route("hello"), world);
        AssertReady(plan.Status!.Conditions, "False", "NotOwned", "There is an existing placeholder Service \"hello\" that we do not own.");
    }

    [Fact]
    public void FailingWrite_IsShown()
    {
        var service = new ServiceReconciler().Reconcile(A.Service("hello"), new World());
        AssertReady(
            service.OnFailure!(service.Steps[0], Forbidden).Conditions, "False", "CreationFailed",
            "Failed to write Configuration \"hello\": quota is used up");
        var configuration = new ConfigurationReconciler().Reconcile(A.Configuration("hello"), new World());
        AssertReady(
            configuration.OnFailure!(configuration.Steps[0], Forbidden).Conditions, "False", "RevisionFailed",
            "Revision creation failed with message: quota is used up.");
        var revision = new RevisionReconciler().Reconcile(A.Revision("r"), Resolved());
        AssertReady(
            revision.OnFailure!(revision.Steps[0], Forbidden).Conditions, "False", "FailedCreate",
            "failed to write Deployment \"r-deployment\": quota is used up");
        var route = new RouteReconciler().Reconcile(A.Route("hello"), Routable());
        AssertReady(
            route.OnFailure!(route.Steps[0], Forbidden).Conditions, "False", "InternalError",
            "failed to write Ingress \"hello\": quota is used up");
    }

    [Fact]
    public void TakenRevisionName_IsNotAdopted()
    {
        var template = A.Template() with { Metadata = new V1ObjectMeta { Name = "hello-v1" } };
        var other = A.Revision("hello-v1", configuration: "other");
        var plan = new ConfigurationReconciler().Reconcile(A.Configuration("hello", template), new World().Having(other));
        Assert.Empty(plan.Steps);
        AssertReady(
            plan.Status!.Conditions, "False", "RevisionFailed",
            "Revision creation failed with message: revisions.serving.knative.dev \"hello-v1\" already exists.");
    }

    [Fact]
    public void ResolvingDigest_HoldsTheRevision()
    {
        var plan = new RevisionReconciler().Reconcile(A.Revision("r"), new World());
        Assert.Empty(plan.Steps);
        AssertReady(plan.Status!.Conditions, "Unknown", "ResolvingDigests", null);
    }

    [Fact]
    public void UnreadyConfiguration_KeepsTheRouteWaitingUnderItsUrl()
    {
        var world = new World().Having(A.Configuration("hello"));
        var plan = new RouteReconciler().Reconcile(A.Route("hello"), world);
        Assert.Empty(plan.Steps);
        Assert.Equal("http://hello.default.localhost", plan.Status!.Url);
        AssertReady(
            plan.Status.Conditions, "Unknown", "RevisionMissing", "Configuration \"hello\" is waiting for a Revision to become ready.");
    }

    [Fact]
    public void FailedTarget_OutranksAWaitingOne()
    {
        var world = new World().Having(A.Revision("waits"), A.Revision("broken").Failed("x"));
        var plan = new RouteReconciler().Reconcile(A.Route("hello", A.Pinned("waits", 50), A.Pinned("broken", 50)), world);
        AssertReady(plan.Status!.Conditions, "False", "RevisionMissing", "Revision \"broken\" failed to become ready.");
    }

    [Fact]
    public void AutoscalerThatNeverCameUp_FailsTheRevision()
    {
        var revision = A.Revision("r");
        var world = Resolved().Having(revision);
        foreach (var step in new RevisionReconciler().Reconcile(revision, world).Steps)
        {
            world.Execute(step);
        }

        world.Take<V1Deployment>("r-deployment").Status = A.Deployed(0);
        world.Having(world.Only<KnPodAutoscaler>() with { Status = A.Scaled(0, "False", initialized: false, "NoTraffic", "idle") });
        var plan = new RevisionReconciler().Reconcile(revision, world);
        AssertReady(plan.Status!.Conditions, "False", "ProgressDeadlineExceeded", "Initial scale was never achieved");
    }

    private static World Resolved()
    {
        var world = new World();
        world.Facts[new DigestQuery(A.Namespace, A.Image, "", "")] = new Fact<string>.Known(A.Digest);
        return world;
    }

    private static World Routable() => new World().Having(
        A.Configuration("hello").WithLatest("hello-00001", "hello-00001"), A.Revision("hello-00001").Ready());

    private static T Deleting<T>(T value, Func<T, V1ObjectMeta> metadata)
    {
        metadata(value).DeletionTimestamp = World.Start.UtcDateTime;
        return value;
    }

    private static void AssertNothing<T>(Plan<T> plan) where T : class
    {
        Assert.Empty(plan.Steps);
        Assert.Null(plan.Status);
    }

    private static void AssertReady(List<KnCondition>? conditions, string status, string? reason, string? message)
    {
        var ready = ConditionSet.Find(conditions, "Ready")!;
        Assert.Equal((status, reason, message), (ready.Status, ready.Reason, ready.Message));
    }
}
