using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.GarbageCollection;
using Knet.Serving.Labeler;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>What becomes of Revisions that no Route uses any more.</summary>
public sealed class RetirementTests
{
    [Fact]
    public void OldUnusedRevisions_AreDeletedOldestFirst()
    {
        var world = new World().With(new GcConfig { MinNonActiveRevisions = 1 });
        var configuration = A.Configuration("hello").WithLatest("r9", "r9");
        world.Having(
            Reserve("r1", hours: 100), Reserve("r2", hours: 90), Reserve("r3", hours: 10), Reserve("r9", hours: 200), A.Revision("r8"));
        var plan = new RevisionCollector().Reconcile(configuration, world);
        Assert.Equal(["r1", "r2"], plan.Steps.Select(s => s.Key.Name));
        Assert.Equal(38, plan.RequeueAfter!.Value.TotalHours);
        Assert.Null(plan.Status);
    }

    [Fact]
    public void SmallestNumber_AlwaysStays()
    {
        var world = new World().With(new GcConfig { MinNonActiveRevisions = 2 }).Having(Reserve("r1", 100), Reserve("r2", 90));
        Assert.Empty(new RevisionCollector().Reconcile(A.Configuration("hello"), world).Steps);
    }

    [Fact]
    public void LargestNumber_IsNeverExceeded()
    {
        var world = new World()
            .With(new GcConfig
            {
                MinNonActiveRevisions = 0, MaxNonActiveRevisions = 1, RetainSinceCreateTime = null, RetainSinceLastActiveTime = null,
            })
            .Having(Reserve("r1", 3), Reserve("r2", 2), Reserve("r3", 1));
        var plan = new RevisionCollector().Reconcile(A.Configuration("hello"), world);
        Assert.Equal(["r1", "r2"], plan.Steps.Select(s => s.Key.Name));
        Assert.Empty(new RevisionCollector().Reconcile(
            A.Configuration("hello"), world.With(
                new GcConfig { MaxNonActiveRevisions = null, RetainSinceCreateTime = null, RetainSinceLastActiveTime = null })).Steps);
    }

    [Fact]
    public void KeptRevision_IsNeverDeleted()
    {
        var kept = Reserve("r1", 1000);
        kept.Metadata.Annotations[ServingKeys.NoGc] = "true";
        var world = new World().With(new GcConfig { MinNonActiveRevisions = 0 }).Having(kept);
        Assert.Empty(new RevisionCollector().Reconcile(A.Configuration("hello"), world).Steps);
    }

    [Fact]
    public void RouteThatIsGone_IsTakenFromTheRevision()
    {
        var world = new World().Having(Routed("r1", "a,b"), A.Route("a", A.Pinned("r1", 100)));
        world.Run(new RevisionUnlabeler(), r => r.Status, (r, s) => r with { Status = s });
        Assert.Equal("a", world.Take<KnRevision>("r1").Metadata.Annotations[ServingKeys.Routes]);
        world.Remove<KnRoute>("a");
        world.Run(new RevisionUnlabeler(), r => r.Status, (r, s) => r with { Status = s });
        var metadata = world.Take<KnRevision>("r1").Metadata;
        Assert.False(metadata.Annotations.ContainsKey(ServingKeys.Routes));
        Assert.Equal("reserve", metadata.Labels[ServingKeys.RoutingState]);
        Assert.Equal("2026-01-02T03:04:05Z", metadata.Annotations[ServingKeys.RoutingStateModified]);
    }

    [Fact]
    public void RouteBetweenTwoStates_TakesNothingAway()
    {
        var world = new World().Having(Routed("r1", "a"), A.Route("a", A.Pinned("r2", 100)));
        world.Run(new RevisionUnlabeler(), r => r.Status, (r, s) => r with { Status = s });
        Assert.Empty(world.Writes);
    }

    [Fact]
    public void RouteOfAServiceThatIsJustBeingMade_IsWaitedFor()
    {
        var revision = Routed("r1", "hello");
        revision.Metadata.Labels[ServingKeys.Service] = "hello";
        Assert.Empty(new RevisionUnlabeler().Reconcile(revision, new World()).Steps);
    }

    [Fact]
    public void NewRoute_MarksWhatItUses()
    {
        var revision = Reserve("r1", 1);
        var world = new World().Having(revision, A.Configuration("hello"), A.Route("a", A.Pinned("r1", 100)));
        world.Run(new RouteLabeler(), r => r.Status, (r, s) => r with { Status = s });
        Assert.Equal("active", world.Take<KnRevision>("r1").Metadata.Labels[ServingKeys.RoutingState]);
        Assert.Equal("a", world.Take<KnConfiguration>("hello").Metadata.Annotations[ServingKeys.Routes]);
        world.Writes.Clear();
        world.Run(new RouteLabeler(), r => r.Status, (r, s) => r with { Status = s });
        Assert.Empty(world.Writes);
    }

    private static KnRevision Routed(string name, string routes)
    {
        var revision = A.Revision(name);
        revision.Metadata.Annotations = new Dictionary<string, string> { [ServingKeys.Routes] = routes };
        return revision;
    }

    private static KnRevision Reserve(string name, int hours)
    {
        var revision = A.Revision(name);
        revision.Metadata.Labels[ServingKeys.RoutingState] = ServingKeys.RoutingReserve;
        revision.Metadata.CreationTimestamp = World.Start.AddHours(-hours).UtcDateTime;
        revision.Metadata.Annotations = new Dictionary<string, string>
        {
            [ServingKeys.RoutingStateModified] = World.Start.AddHours(-hours).ToString("yyyy-MM-ddTHH:mm:ssZ"),
        };
        return revision;
    }
}
