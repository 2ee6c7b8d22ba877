using k8s.Models;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>What upstream's conformance suite asks of the API beyond the main path: names, labels, generations, traffic, rollback.</summary>
public sealed class ConformanceTests(SystemPlatform platform)
{
    [Fact]
    public async Task GeneratedName_IsTheNameOfAllChildren()
    {
        var (ns, client) = await BeginAsync();
        var unnamed = A.Service(ns, "");
        unnamed = unnamed with { Metadata = new V1ObjectMeta { NamespaceProperty = ns, GenerateName = "gen-" } };
        var made = await client.CreateAsync(unnamed, TestContext.Current.CancellationToken);
        Assert.Matches("^gen-[a-z0-9]{5}$", made.Metadata.Name);

        var ready = await client.UntilAsync<KnService>(ns, made.Metadata.Name, A.Ready);
        Assert.Equal(1, ready.Status.ObservedGeneration);
        Assert.Equal($"{made.Metadata.Name}-00001", ready.Status.LatestReadyRevisionName);
        Assert.Equal((200, "one"), await platform.AskAsync($"{made.Metadata.Name}.{ns}.localhost"));
    }

    [Fact]
    public async Task NamedRevisions_AreKeptToAndRolledBackTo()
    {
        var (ns, client) = await BeginAsync();
        await client.CreateAsync(Named(A.Service(ns, "byo"), "byo-old", "one"), TestContext.Current.CancellationToken);
        var first = await client.UntilAsync<KnService>(ns, "byo", A.Ready);

        var refusal = await Assert.ThrowsAsync<KubeException>(
            () => client.RetriedUpdateAsync<KnService>(ns, "byo", s => Named(s, "byo-old", "two")));
        Assert.Contains("Saw the following changes without a name change (-old +new)", refusal.Message, StringComparison.Ordinal);

        await ChangeAsync(client, ns, "byo", s => Named(s, "byo-new", "two"));
        Assert.Equal((200, "two"), await platform.AskAsync($"byo.{ns}.localhost"));
        var back = await ChangeAsync(client, ns, "byo", s => s with { Spec = first.Spec });
        Assert.Equal(("byo-old", "byo-old"), (back.Status.LatestCreatedRevisionName, back.Status.LatestReadyRevisionName));
        Assert.Equal((200, "one"), await platform.AskAsync($"byo.{ns}.localhost"));
    }

    [Fact]
    public async Task NameOfAnothersRevision_IsAFailure()
    {
        var (ns, client) = await BeginAsync();
        var first = new KnConfiguration
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "a" },
            Spec = new ConfigurationSpec { Template = A.Template("one") with { Metadata = new V1ObjectMeta { Name = "a-b-x" } } },
        };
        await client.CreateAsync(first, TestContext.Current.CancellationToken);
        await client.UntilAsync<KnRevision>(ns, "a-b-x", _ => true);
        await client.CreateAsync(Named(A.Service(ns, "a-b"), "a-b-x", "one"), TestContext.Current.CancellationToken);
        var failed = await client.UntilAsync<KnService>(ns, "a-b", s => A.ReadyIs(s, "False"));
        Assert.Equal(
            "Revision creation failed with message: revisions.serving.knative.dev \"a-b-x\" already exists.",
            failed.Status.Conditions!.Single(c => c.Type == "ConfigurationsReady").Message);
    }

    [Fact]
    public async Task Metadata_IsHandedDownAndMakesNoRevision()
    {
        var (ns, client) = await BeginAsync();
        await client.CreateAsync(A.Service(ns, "meta"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "meta", A.Ready);

        var (label, annotation) = (new Dictionary<string, string> { ["team"] = "a" }, new Dictionary<string, string> { ["note"] = "b" });
        await client.RetriedUpdateAsync<KnService>(ns, "meta", s => Marked(s, label, annotation));
        await client.UntilAsync<KnConfiguration>(ns, "meta", c => Has(c.Metadata.Labels, "team") && Has(c.Metadata.Annotations, "note"));
        await client.UntilAsync<KnRoute>(ns, "meta", r => Has(r.Metadata.Labels, "team") && Has(r.Metadata.Annotations, "note"));
        await client.RetriedUpdateAsync<KnService>(ns, "meta", s => Marked(s, null, null));
        await client.UntilAsync<KnConfiguration>(ns, "meta", c => !Has(c.Metadata.Labels, "team") && !Has(c.Metadata.Annotations, "note"));
        await client.UntilAsync<KnRoute>(ns, "meta", r => !Has(r.Metadata.Labels, "team") && !Has(r.Metadata.Annotations, "note"));

        var service = await client.GetAsync<KnService>(ns, "meta", TestContext.Current.CancellationToken);
        Assert.Equal((1, 1), (service.Metadata.Generation, service.Status.ObservedGeneration));
        Assert.Single(await client.UntilAllAsync<KnRevision>(ns, _ => true));
    }

    [Fact]
    public async Task Template_LabelsAndAnnotationsAreTheRevisions()
    {
        var (ns, client) = await BeginAsync();
        var service = A.Service(ns, "marked");
        var marked = service.Spec.Template with
        {
            Metadata = new V1ObjectMeta
            {
                Labels = new Dictionary<string, string> { ["team"] = "a" }, Annotations = new Dictionary<string, string> { ["note"] = "b" },
            },
        };
        await client.CreateAsync(service with { Spec = service.Spec with { Template = marked } }, TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "marked", A.Ready);
        var revision = await client.GetAsync<KnRevision>(ns, "marked-00001", TestContext.Current.CancellationToken);
        Assert.Equal(("a", "b"), (revision.Metadata.Labels["team"], revision.Metadata.Annotations["note"]));

        await ChangeAsync(client, ns, "marked", s => s with { Spec = s.Spec with { Template = A.Template("one") } });
        revision = await client.GetAsync<KnRevision>(ns, "marked-00002", TestContext.Current.CancellationToken);
        Assert.False(Has(revision.Metadata.Labels, "team") || Has(revision.Metadata.Annotations, "note"));
    }

    /// <summary>A release in five steps: pinned, a candidate beside, a share for it, the newest beside both, the candidate only.</summary>
    [Fact]
    public async Task Traffic_IsReportedAsItIsInEveryPhaseOfARelease()
    {
        var (ns, client) = await BeginAsync();
        await client.CreateAsync(A.Service(ns, "rel", "one"), TestContext.Current.CancellationToken);
        await client.UntilAsync<KnService>(ns, "rel", A.Ready);
        await Phase("current:rel-00001=100", Pin(1, 100, "current"));
        await ChangeAsync(client, ns, "rel", s => s with { Spec = s.Spec with { Template = A.Template("two") } });
        await Phase("current:rel-00001=100 candidate:rel-00002=0", Pin(1, 100, "current"), Pin(2, null, "candidate"));
        Assert.Equal((200, "two"), await platform.AskAsync($"candidate-rel.{ns}.localhost"));
        await Phase("current:rel-00001=50 candidate:rel-00002=50", Pin(1, 50, "current"), Pin(2, 50, "candidate"));
        var latest = new TrafficTarget { LatestRevision = true, Tag = "latest" };
        await Phase("current:rel-00001=50 candidate:rel-00002=50 latest:rel-00002=0", Pin(1, 50, "current"), Pin(2, 50, "candidate"), latest);
        await Phase("current:rel-00002=100", Pin(2, 100, "current"));
        Assert.Equal((200, "two"), await platform.AskAsync($"rel.{ns}.localhost"));

        TrafficTarget Pin(int revision, long? percent, string tag) =>
            new() { RevisionName = $"rel-0000{revision}", Percent = percent, Tag = tag };

        async Task Phase(string expected, params TrafficTarget[] traffic)
        {
            var status = (await ChangeAsync(client, ns, "rel", s => s with { Spec = s.Spec with { Traffic = [.. traffic] } })).Status;
            Assert.Equal(expected, string.Join(' ', status.Traffic!.Select(t => $"{t.Tag}:{t.RevisionName}={t.Percent}")));
            Assert.All(status.Traffic!, t => Assert.Equal($"http://{t.Tag}-rel.{ns}.localhost:{platform.Gateway.Port}", t.Url));
        }
    }

    [Fact]
    public async Task ServiceAccountName_MustBeAName()
    {
        var (ns, client) = await BeginAsync();
        var service = A.Service(ns, "account");
        var template = service.Spec.Template with { Spec = service.Spec.Template.Spec with { ServiceAccountName = "foo@bar.baz" } };
        var refusal = await Assert.ThrowsAsync<KubeException>(() => client.CreateAsync(
            service with { Spec = service.Spec with { Template = template } }, TestContext.Current.CancellationToken));
        Assert.Contains("invalid value: foo@bar.baz: spec.template.spec.serviceAccountName\n", refusal.Message, StringComparison.Ordinal);
    }

    private async Task<(string Namespace, KubeClient Client)> BeginAsync() => (await platform.NewNamespaceAsync(), platform.Client(Via.Process));

    private static KnService Named(KnService service, string revision, string text) => service with
    {
        Spec = service.Spec with { Template = A.Template(text) with { Metadata = new V1ObjectMeta { Name = revision } } },
    };

    // What the webhook wrote stays; only these two come and go.
    private static KnService Marked(KnService service, Dictionary<string, string>? labels, Dictionary<string, string>? annotations)
    {
        var kept = service.Metadata.Annotations.Where(a => a.Key != "note").ToDictionary(a => a.Key, a => a.Value);
        foreach (var (key, value) in annotations ?? [])
        {
            kept[key] = value;
        }

        return service with { Metadata = service.Metadata with { Labels = labels, Annotations = kept } };
    }

    private static bool Has(IDictionary<string, string>? map, string key) => map?.ContainsKey(key) == true;

    /// <summary>A user's edit, and the Service once it is in effect.</summary>
    private static async Task<KnService> ChangeAsync(KubeClient client, string ns, string name, Func<KnService, KnService> change)
    {
        var changed = await client.RetriedUpdateAsync(ns, name, change);
        return await client.UntilAsync<KnService>(
            ns, name, s => s.Metadata.Generation >= changed.Metadata.Generation && A.Ready(s)
                && (s.Spec.Traffic is not null || s.Status.LatestReadyRevisionName == s.Status.LatestCreatedRevisionName));
    }
}
