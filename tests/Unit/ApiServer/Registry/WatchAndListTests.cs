using Knet.Api.Meta;
using Knet.ApiServer.Registry.Selectors;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

public sealed class WatchAndListTests
{
    private static readonly KubeRequest Watch = new(KubeVerb.List, Api.ConfigMaps) { Namespace = "default", ResourceVersion = "0" };

    [Theory]
    [InlineData("a=b", true)]
    [InlineData("a==b,c!=d", true)]
    [InlineData("a in (x, b),c notin (y)", true)]
    [InlineData("a,!z", true)]
    [InlineData("!a", false)]
    [InlineData("a!=b", false)]
    [InlineData("a notin (b)", false)]
    [InlineData("z", false)]
    public void LabelSelector_MatchesAsKubernetes(string text, bool matches) =>
        Assert.Equal(matches, LabelSelector.Parse(text).Matches(new Dictionary<string, string> { ["a"] = "b", ["e"] = "" }));

    [Theory]
    [InlineData("a in b")]
    [InlineData("a=b,")]
    [InlineData("a b")]
    [InlineData("=b")]
    [InlineData("a===b")]
    [InlineData("a in (x y)")]
    [InlineData("a/b/c=d")]
    public void LabelSelector_RefusesNonsense(string text) => Assert.Equal(400, Assert.Throws<KubeException>(() => LabelSelector.Parse(text)).Code);

    [Fact]
    public async Task FieldSelectors_LookIntoPods()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.Pods, Api.Pod("one"));
        await api.CreateAsync(Api.Pods, Api.Pod("two"));
        await api.SendAsync(new KubeRequest(KubeVerb.Create, Api.Pods)
        {
            Namespace = "default", Name = "two", Subresource = "binding", Body = Api.Bytes("""{"target":{"name":"n1"}}"""),
        });
        async Task<string> Names(string selector) =>
            string.Join(",", (await api.ListAsync(Api.Pods, r => r with { FieldSelector = selector })).Items.Select(i => i.Key.Name));
        Assert.Equal("two", await Names("spec.nodeName=n1"));
        Assert.Equal("one", await Names("spec.nodeName="));
        Assert.Equal("one", await Names("status.phase==Pending,metadata.name!=two"));
        Assert.Equal("field label not supported: spec.x", (await Assert.ThrowsAsync<KubeException>(() => Names("spec.x=1"))).Message);
    }

    [Fact]
    public async Task Pages_ShowOneState()
    {
        await using var api = await Api.StartAsync();
        foreach (var name in (string[])["a", "b", "c", "d", "e"])
        {
            await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap(name));
        }

        var first = await api.ListAsync(Api.ConfigMaps, r => r with { Limit = 2 });
        Assert.Equal(3, first.Remaining);
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("bb"));
        await api.DeleteAsync(Api.ConfigMaps, "d");
        var second = await api.ListAsync(Api.ConfigMaps, r => r with { Limit = 2, Continue = first.Continue });
        var third = await api.ListAsync(Api.ConfigMaps, r => r with { Continue = second.Continue });
        Assert.Equal(["a", "b", "c", "d", "e"], first.Items.Concat(second.Items).Concat(third.Items).Select(i => i.Key.Name));
        Assert.Equal(first.ResourceVersion, third.ResourceVersion);

        api.Time.Advance(TimeSpan.FromMinutes(6));
        var late = await Assert.ThrowsAsync<KubeException>(() => api.ListAsync(Api.ConfigMaps, r => r with { Continue = first.Continue }));
        Assert.Equal((410, "Expired"), (late.Code, late.Reason));
    }

    [Fact]
    public async Task SelectorWatch_TurnsLeavingIntoDeletion()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c", "\"a\":\"1\""));
        var seen = api.WatchUntilAsync(Watch with { LabelSelector = "a=1" }, s => s.Count == 4);
        await api.PatchAsync(Api.ConfigMaps, "c", PatchKind.Merge, """{"data":{"x":"y"}}""");
        await api.PatchAsync(Api.ConfigMaps, "c", PatchKind.Merge, """{"metadata":{"labels":{"a":"2"}}}""");
        await api.PatchAsync(Api.ConfigMaps, "c", PatchKind.Merge, """{"data":{"x":"z"}}""");
        await api.PatchAsync(Api.ConfigMaps, "c", PatchKind.Merge, """{"metadata":{"labels":{"a":"1"}}}""");
        Assert.Equal(
            [WatchEventType.Added, WatchEventType.Modified, WatchEventType.Deleted, WatchEventType.Added], (await seen).Select(e => e.Type));
    }

    [Fact]
    public async Task InitialEvents_EndWithABookmark()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"));
        var seen = await api.WatchUntilAsync(
            Watch with { SendInitialEvents = true, AllowBookmarks = true, ResourceVersionMatch = "NotOlderThan" },
            s => s[^1].Type == WatchEventType.Bookmark);
        Assert.Equal(WatchEventType.Added, seen[0].Type);
        Assert.Equal("true", seen[^1].Document.Metadata.Annotations["k8s.io/initial-events-end"]);
        Assert.Equal((await api.ListAsync(Api.ConfigMaps)).ResourceVersion, seen[^1].Document.Metadata.ResourceVersion);
    }

    [Theory]
    [InlineData(false, "1", "Foo", "resourceVersionMatch: Unsupported value: \"Foo\": supported values: \"\", \"Exact\", \"NotOlderThan\"")]
    [InlineData(false, null, "Exact", "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")]
    [InlineData(false, "0", "Exact", "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")]
    [InlineData(true, "0", "NotOlderThan",
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    public async Task OptionsThatDoNotGoTogether_AreRefused(bool watch, string? version, string match, string text)
    {
        await using var api = await Api.StartAsync();
        var request = Watch with { ResourceVersion = version, ResourceVersionMatch = match };
        var refusal = await Assert.ThrowsAsync<KubeException>(async () => _ = watch
            ? (object)await api.WatchUntilAsync(request, _ => true)
            : await api.ListAsync(Api.ConfigMaps, _ => request));
        Assert.Equal((422, "Invalid", $"ListOptions.meta.k8s.io \"\" is invalid: {text}"), (refusal.Code, refusal.Reason, refusal.Message));
    }

    [Fact]
    public async Task VersionYetToCome_SaysSoToProgramsToo()
    {
        await using var api = await Api.StartAsync();
        foreach (var ask in new Func<KubeRequest, Task>[]
        {
            r => api.ListAsync(Api.ConfigMaps, _ => r), r => api.WatchUntilAsync(r, _ => true),
        })
        {
            var refusal = await Assert.ThrowsAsync<KubeException>(() => ask(Watch with { ResourceVersion = "999999999" }));
            Assert.Equal((504, "ResourceVersionTooLarge"), (refusal.Code, refusal.Status.Details.Causes.Single().Reason));
        }
    }

    [Fact]
    public async Task Watch_FromAListsVersion_MissesNothing()
    {
        await using var api = await Api.StartAsync();
        var version = (await api.ListAsync(Api.ConfigMaps)).ResourceVersion;
        await api.CreateAsync(Api.ConfigMaps, Api.ConfigMap("c"));
        await api.DeleteAsync(Api.ConfigMaps, "c");
        var seen = await api.WatchUntilAsync(Watch with { ResourceVersion = version }, s => s.Count == 2);
        Assert.Equal([WatchEventType.Added, WatchEventType.Deleted], seen.Select(e => e.Type));
        Assert.True(long.Parse(seen[1].Document.Metadata.ResourceVersion) > long.Parse(seen[0].Document.Metadata.ResourceVersion));
    }

    [Fact]
    public async Task Events_AreTheSameInBothGroups()
    {
        await using var api = await Api.StartAsync();
        await api.CreateAsync(
            new ResourceType("events.k8s.io", "v1", "events", "Event", true),
            """{"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p","namespace":"default"},"note":"hi","reason":"R","type":"Normal"}""");
        var core = await api.GetAsync(new ResourceType("", "v1", "events", "Event", true), "e");
        Assert.Equal(("v1", "p", "hi"), (
            core["apiVersion"]!.ToString(), core["involvedObject"]!["name"]!.ToString(), core["message"]!.ToString()));
    }
}
