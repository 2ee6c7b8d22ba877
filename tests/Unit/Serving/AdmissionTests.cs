using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Serving.Config;
using Knet.Serving.Webhook;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class AdmissionTests
{
    private static readonly ServingAdmission Admission = new(new Snapshots());

    [Fact]
    public void BadService_IsDeniedAsByTheWebhook()
    {
        var response = Admission.Validate(Request<KnService>(A.Service("hello", A.Template(A.Container("")))));
        Assert.Equal(
            "admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: missing field(s): " +
            "spec.template.spec.containers[0].image",
            response.Denied);
        Assert.Equal((400, "BadRequest"), (response.Code, response.Reason));
    }

    [Fact]
    public void NewService_GetsDefaultsAndItsAuthor()
    {
        var bare = new KnService { Metadata = A.Meta("hello"), Spec = new ServiceSpec { Template = A.Template() } };
        var service = Admission.Mutate(Request(bare)).Mutated!.As<KnService>();
        Assert.Equal("bob", service.Metadata.Annotations[ServingKeys.Creator]);
        Assert.Equal(300, service.Spec.Template.Spec.TimeoutSeconds);
        Assert.Null(Admission.Validate(Request(service)).Denied);
        Assert.NotEmpty(Admission.Validate(Request(service)).Warnings);
    }

    [Fact]
    public void WrongType_NamesTheField()
    {
        var json = """{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"timeoutSeconds":"soon"}}}}""";
        var request = Request(A.Service("hello")) with { Object = new KubeDocument(Encoding.UTF8.GetBytes(json)) };
        Assert.Equal(
            "admission webhook \"webhook.serving.knative.dev\" denied the request: mutation failed: cannot decode incoming new object: field " +
            "spec.template.spec.timeoutSeconds has a value of the wrong type",
            Admission.Mutate(request).Denied);
    }

    [Theory]
    [InlineData("\"abc\"")]
    [InlineData("\"1e999999\"")]
    [InlineData("\"\"")]
    public void WrongQuantity_NamesTheField(string value)
    {
        var container = $$"""{"image":"a/b","resources":{"limits":{"cpu":{{value}} } } }""";
        var json = $$"""{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{{container}}]} } } }""";
        var request = Request(A.Service("hello")) with { Object = new KubeDocument(Encoding.UTF8.GetBytes(json)) };
        Assert.Equal(
            "admission webhook \"webhook.serving.knative.dev\" denied the request: mutation failed: cannot decode incoming new object: " +
            $"field spec.template.spec.containers[0].resources.limits.cpu: {value} is not a quantity such as 500m, 2 or 64Mi",
            Admission.Mutate(request).Denied);
    }

    [Fact]
    public void NamedTemplateWithoutItsDefaults_IsTheSameTemplate()
    {
        // What kubectl apply sends when it changes the traffic: the containers as in the manifest.
        RevisionTemplate Named(params V1Container[] containers) =>
            A.Template(containers) with { Metadata = new V1ObjectMeta { Name = "hello-blue" } };

        var stored = A.Service("hello", Named());
        var bare = stored with { Spec = stored.Spec with { Template = Named() } };
        var request = Request(bare) with { OldObject = KubeDocument.From(stored) };
        var sent = Admission.Mutate(request).Mutated!;
        Assert.Null(Admission.Validate(request with { Object = sent }).Denied);

        var changed = stored with { Spec = stored.Spec with { Template = Named(A.Container("localhost:5000/hello:v2")) } };
        var defaulted = Admission.Mutate(Request(changed) with { OldObject = KubeDocument.From(stored) }).Mutated!;
        Assert.EndsWith(
            "spec.template.metadata.name\n{spec.containers[0].image}:\n" +
            "\t-: \"localhost:5000/hello:v1\"\n\t+: \"localhost:5000/hello:v2\"",
            Admission.Validate(request with { Object = defaulted }).Denied);
    }

    [Fact]
    public void StatusWrites_PassUntouched() =>
        Assert.False(Admission.Handles(ResourceType.Of<KnService>(), "status", KubeVerb.Update));

    [Fact]
    public void DefaultConfigMaps_AreGoodAndTheirExamplesParse()
    {
        foreach (var map in DefaultConfigMaps.Create(8080))
        {
            Assert.Null(Validate(map));
            var example = map.Data[ConfigExample.Key].Split('\n')
                .Where(l => l.Length > 0 && l[0] is not ('#' or ' ') && l.Contains(": \"", StringComparison.Ordinal))
                .Select(l => l.Split(": ", 2)).ToDictionary(p => p[0], p => p[1].Trim('"'));
            Assert.True(Validate(new V1ConfigMap { Metadata = map.Metadata, Data = example }) is null, map.Metadata.Name);
        }
    }

    [Theory]
    [InlineData("config-network", "domain-template", "{{.Nope}}", "domain-template: template: can't evaluate field Nope")]
    [InlineData("config-network", "http-protocol", "maybe", "http-protocol: \"maybe\" is not valid, expected enabled, redirected, disabled")]
    [InlineData("config-features", "multi-container", "on", "multi-container: \"on\" is not valid, expected enabled, allowed, disabled")]
    [InlineData("config-gc", "min-non-active-revisions", "2000", "min-non-active-revisions(2000) must be <= max-non-active-revisions(1000)")]
    [InlineData("config-defaults", "revision-timeout-seconds", "900", "revision-timeout-seconds (900) cannot be greater than max-revision-")]
    [InlineData("config-deployment", "progress-deadline", "0s", "progress-deadline cannot be a non-positive duration, was 0s")]
    [InlineData("config-domain", "example.com", "nonsense", "example.com: \"nonsense\" is not valid")]
    [InlineData("config-autoscaler", "stable-window", "1s", "stable-window")]
    [InlineData("config-observability", "logging.request-log-template", "{{.Request.Methd}}", "can't evaluate field Methd; known are Method")]
    [InlineData("config-observability", "logging.request-log-template", "{{if}}", "logging.request-log-template: template: requestLog:1: {{}}")]
    public void BadConfiguration_IsDenied(string name, string key, string value, string want)
    {
        var map = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = DefaultConfigMaps.SystemNamespace },
            Data = new Dictionary<string, string> { [key] = value },
        };
        var denied = Validate(map);
        Assert.NotNull(denied);
        Assert.StartsWith("admission webhook \"config.webhook.serving.knative.dev\" denied the request: validation failed: ", denied);
        Assert.Contains(want, denied, StringComparison.Ordinal);
    }

    [Fact]
    public void EditedExample_IsDenied()
    {
        var map = DefaultConfigMaps.Create()[1];
        map.Data[ConfigExample.Key] += "\nrevision-timeout-seconds: \"5\"";
        Assert.Contains("modifies a key in \"_example\"", Validate(map)!, StringComparison.Ordinal);
    }

    // CRC-32 of the text "a: b\nc: d" with the newlines as two characters: what upstream's files carry must be right here too.
    [Fact]
    public void Checksum_IsUpstreams() => Assert.Equal("0195ca06", ConfigExample.Checksum("  a: b\n\n\nc: d\n"));

    [Fact]
    public void Domain_IsTheMostSpecificOne()
    {
        var config = DomainConfig.Parse(new Dictionary<string, string>
        {
            ["b.com"] = "", ["a.com"] = "", ["prod.com"] = "selector:\n  app: prod\n", ["blue.com"] = "selector:\n  app: prod\n  team: \"blue\"\n",
        });
        string For(params (string, string)[] labels) => config.DomainFor(labels.ToDictionary(l => l.Item1, l => l.Item2));
        Assert.Equal("a.com", For());
        Assert.Equal("prod.com", For(("app", "prod")));
        Assert.Equal("blue.com", For(("app", "prod"), ("team", "blue")));
        Assert.Equal("svc.cluster.local", For(("app", "prod"), ("networking.knative.dev/visibility", "cluster-local")));
    }

    [Theory]
    [InlineData("nginx", "index.docker.io/library/nginx", "latest")]
    [InlineData("a/b:1", "index.docker.io/a/b", "1")]
    [InlineData("localhost:5000/xy:v1", "localhost:5000/xy", "v1")]
    [InlineData("ghcr.io/a/b/c", "ghcr.io/a/b/c", "latest")]
    [InlineData("UPPER/x", null, null)]
    [InlineData("a b", null, null)]
    [InlineData("x@sha256:12", null, null)]
    public void ImageReference_IsReadAsUpstreamReadsIt(string text, string? context, string? tag)
    {
        var reference = ImageReference.TryParse(text);
        Assert.Equal(context, reference?.Context);
        if (tag is not null)
        {
            Assert.Equal(tag, reference!.Tag);
        }
    }

    [Theory]
    [InlineData("1h30m", 5400)]
    [InlineData("-1.5s", -1.5)]
    [InlineData("300ms", 0.3)]
    [InlineData("0", 0)]
    public void Duration_IsReadAndWrittenAsGoDoes(string text, double seconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds, 6);
        Assert.True(GoDuration.TryParse(GoDuration.Format(duration), out var again));
        Assert.Equal(duration, again);
        Assert.False(GoDuration.TryParse(text + "x", out _));
        Assert.False(GoDuration.TryParse("5", out _));
    }

    private static string? Validate(V1ConfigMap map) => Admission.Validate(Request(map)).Denied;

    private static AdmissionRequest Request<T>(T value) where T : k8s.IKubernetesObject<V1ObjectMeta> => new(
        KubeVerb.Create, ResourceType.Of<T>(), "", new ObjectKey(value.Metadata.NamespaceProperty, value.Metadata.Name),
        KubeDocument.From(value),
        null, new KubeUser("bob", []), false);

    /// <summary>Every configuration at its defaults.</summary>
    private sealed class Snapshots : IConfigSource
    {
        private readonly object[] _all = [new DefaultsConfig(), new FeaturesConfig(), new AutoscalingLimits()];

        public TConfig Get<TConfig>() where TConfig : class => _all.OfType<TConfig>().Single();

        public IDisposable OnChange<TConfig>(Action<TConfig> changed) where TConfig : class => throw new NotSupportedException();
    }
}
