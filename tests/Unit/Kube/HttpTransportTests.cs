using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.LeaderElection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using WatchEventType = Knet.Kube.Client.WatchEventType;

namespace Knet.Tests.Unit.Kube;

public sealed class HttpTransportTests
{
    [Fact]
    public void Requests_BecomePathsAndQueries()
    {
        var pods = ResourceType.Of<V1Pod>();
        Assert.Equal("api/v1/pods", HttpTransport.PathOf(new KubeRequest(KubeVerb.List, pods), watch: false));
        Assert.Equal(
            "api/v1/namespaces/ns/pods/p/binding?fieldManager=m&dryRun=All",
            HttpTransport.PathOf(
                new KubeRequest(KubeVerb.Create, pods) { Namespace = "ns", Name = "p", Subresource = "binding", FieldManager = "m", DryRun = true },
                watch: false));
        Assert.Equal(
            "apis/apps/v1/namespaces/ns/deployments?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&labelSelector=a%3Db"
            + "&resourceVersionMatch=NotOlderThan",
            HttpTransport.PathOf(
                new KubeRequest(KubeVerb.List, ResourceType.Of<V1Deployment>())
                {
                    Namespace = "ns", LabelSelector = "a=b", SendInitialEvents = true, AllowBookmarks = true, ResourceVersionMatch = "NotOlderThan",
                }, watch: true));
        Assert.Equal(
            "api/v1/nodes/n?fieldManager=knet&force=true",
            HttpTransport.PathOf(
                new KubeRequest(KubeVerb.Patch, ResourceType.Of<V1Node>()) { Name = "n", Patch = PatchKind.Apply, Force = true }, watch: false));
    }

    [Fact]
    public void WatchLines_BecomeEvents_AndErrorsAreThrown()
    {
        var change = HttpTransport.ParseEvent(Encoding.UTF8.GetBytes("""{"type":"MODIFIED","object":{"metadata":{"name":"a"}}}"""));
        Assert.Equal((WatchEventType.Modified, "a"), (change.Type, change.Document.Metadata.Name));
        var error = Assert.Throws<KubeException>(() => HttpTransport.ParseEvent(Encoding.UTF8.GetBytes(
            """{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410,"reason":"Expired","message":"too old"}}""")));
        Assert.True(error.IsExpired);
    }

    [Fact]
    public async Task Lease_IsTakenOverOnlyAfterItRanOut()
    {
        var (api, time) = (new FakeTransport(), new FakeTimeProvider());
        LeaderElector Elector(string identity) => new(
            new KubeClient(api, identity), new LeaderElectionOptions("ns", "lead", identity), time, NullLogger.Instance);
        var (one, two) = (Elector("one"), Elector("two"));

        Assert.True(await one.TryAcquireAsync(CancellationToken.None));
        Assert.False(await two.TryAcquireAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(await one.TryAcquireAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(await two.TryAcquireAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.True(await two.TryAcquireAsync(CancellationToken.None));
        Assert.Equal(("two", 1), (api.Find<V1Lease>("ns", "lead")!.Spec.HolderIdentity, api.Find<V1Lease>("ns", "lead")!.Spec.LeaseTransitions));
        Assert.False(await one.TryAcquireAsync(CancellationToken.None));
    }
}
