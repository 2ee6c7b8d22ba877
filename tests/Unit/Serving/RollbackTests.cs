using Knet.Api.Serving.V1;
using Knet.Serving.Services;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>Where a rollback goes and what it leaves alone.</summary>
public sealed class RollbackTests
{
    private static readonly KnRevision[] Three =
        [A.Revision("r1", generation: 9).Ready(), A.Revision("r2", generation: 10).Failed("it crashed"), A.Revision("r3", generation: 11).Ready()];

    [Fact]
    public void NoName_GoesToTheNewestReadyOneBeforeThePresent()
    {
        var rollback = Rollback.Decide(Serving("r3"), Three, null);

        Assert.Equal("r1", rollback.To);
        Assert.Equal(["r3"], rollback.From);
        Assert.Equal([new TrafficTarget { RevisionName = "r1", Percent = 100 }], rollback.Traffic);
    }

    [Fact]
    public void Tags_StayWithoutTraffic()
    {
        var service = Serving("r3") with
        {
            Spec = new() { Traffic = [A.Pinned("r3", 60, "next"), A.Pinned("r1", 40)] },
        };

        var rollback = Rollback.Decide(service, Three, "r1");

        Assert.Equal([new TrafficTarget { RevisionName = "r1", Percent = 100 }, A.Pinned("r3", 0, "next")], rollback.Traffic);
    }

    [Fact]
    public void Latest_FollowsNewRevisionsAgain()
    {
        var rollback = Rollback.Decide(Serving("r1"), Three, Rollback.Latest);

        Assert.Equal([new TrafficTarget { LatestRevision = true, Percent = 100 }], rollback.Traffic);
        Assert.Equal(("r3", "r1"), (rollback.To, Assert.Single(rollback.From)));
    }

    [Theory]
    [InlineData("r1", null, "service hello has no ready revision older than r1")]
    [InlineData("r3", "r7", "service hello has no revision r7. It has: r3, r2, r1")]
    [InlineData("r3", "r2", "revision r2 is not ready: it crashed. Ready ones: r3, r1")]
    [InlineData("gone", null, "no revision of service hello gets traffic now: name one with --to. Ready ones: r3, r1")]
    public void NothingToGoBackTo_SaysWhyAndWhatThereIs(string serving, string? to, string message)
    {
        var refusal = Assert.Throws<RollbackException>(() => Rollback.Decide(Serving(serving), Three, to));

        Assert.Equal(message, refusal.Message);
    }

    private static KnService Serving(string revision) => A.Service("hello") with
    {
        Status = new() { LatestReadyRevisionName = "r3", Traffic = [A.Pinned(revision, 100), A.Pinned("r2", 0, "old")] },
    };
}
