using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>Upstream's refusals, word for word.</summary>
public sealed class ValidationTests
{
    public static TheoryData<string, V1Container> Containers => new()
    {
        { "missing field(s): spec.template.spec.containers[0].image", new V1Container() },
        { "\"queue-proxy\" is a reserved container name: spec.template.spec.containers[0].name",
            A.Container() with { Name = "queue-proxy" } },
        {
            "Failed to parse image reference: spec.template.spec.containers[0].image\nimage: \"a b\", error: could not parse reference: a b",
            A.Container("a b")
        },
        {
            "invalid value: 2: spec.template.spec.containers[0].resources.requests.cpu\nmust be less than or equal to cpu limit of 500m",
            A.Container() with
            {
                Resources = new V1ResourceRequirements
                {
                    Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("2") },
                    Limits = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("500m") },
                },
            }
        },
        { "must not set the field(s): spec.template.spec.containers[0].tty", A.Container() with { Tty = true } },
        { "must not set the field(s): spec.template.spec.containers[0].lifecycle", A.Container() with { Lifecycle = new V1Lifecycle() } },
        { "must not set the field(s): spec.template.spec.containers[0].stdin", A.Container() with { Stdin = true } },
        {
            "must not set the field(s): spec.template.spec.containers[0].securityContext.privileged",
            A.Container() with { SecurityContext = new V1SecurityContext { Privileged = true } }
        },
        {
            "\"PORT\" is a reserved environment variable: spec.template.spec.containers[0].env[0].name",
            A.Container() with { Env = [new V1EnvVar { Name = "PORT", Value = "1" }] }
        },
        {
            "must not set the field(s): spec.template.spec.containers[0].ports.hostPort",
            A.Container() with { Ports = [new V1ContainerPort { ContainerPort = 80, HostPort = 80 }] }
        },
        {
            "invalid value: 8022 is a reserved port: spec.template.spec.containers[0].ports.containerPort\n" +
            "8022 is a reserved port, please use a different value",
            A.Container() with { Ports = [new V1ContainerPort { ContainerPort = 8022 }] }
        },
        {
            "Port name web is not allowed: spec.template.spec.containers[0].ports\nName must be empty, or one of: 'h2c', 'http1'",
            A.Container() with { Ports = [new V1ContainerPort { ContainerPort = 80, Name = "web" }] }
        },
        {
            "more than one container port is set: spec.template.spec.containers[*].ports\nOnly a single port is allowed across all containers",
            A.Container() with { Ports = [new V1ContainerPort { ContainerPort = 80 }, new V1ContainerPort { ContainerPort = 81 }] }
        },
        {
            "volumeMount has no matching volume: spec.template.spec.containers[0].volumeMounts[0].name",
            A.Container() with { VolumeMounts = [new V1VolumeMount { Name = "v", MountPath = "/v", ReadOnlyProperty = true }] }
        },
        {
            "failureThreshold is disallowed when periodSeconds is zero: spec.template.spec.containers[0].readinessProbe.failureThreshold",
            A.Container() with { ReadinessProbe = new V1Probe { FailureThreshold = 3 } }
        },
        {
            "expected exactly one, got both: spec.template.spec.containers[0].livenessProbe.exec, " +
            "spec.template.spec.containers[0].livenessProbe.tcpSocket",
            A.Container() with
            {
                LivenessProbe = new V1Probe { Exec = new V1ExecAction(), TcpSocket = new V1TCPSocketAction { Port = 80 } },
            }
        },
    };

    [Theory]
    [MemberData(nameof(Containers), DisableDiscoveryEnumeration = true)]
    public void BadContainer_IsRefusedInUpstreamsWords(string want, V1Container container) =>
        Assert.Equal(want, Check(A.Service("hello", A.Template(container))));

    public static TheoryData<string, TrafficTarget[]> Traffic => new()
    {
        { "Traffic targets sum to 90, want 100: spec.traffic", [new() { Percent = 90 }] },
        { "must not set the field(s): spec.traffic[0].configurationName", [new() { Percent = 100, ConfigurationName = "x" }] },
        {
            "may not set revisionName \"r\" when latestRevision is true: spec.traffic[0].latestRevision",
            [new() { Percent = 100, RevisionName = "r", LatestRevision = true }]
        },
        {
            "Multiple definitions for \"a\": spec.traffic[0].tag, spec.traffic[1].tag",
            [new() { Percent = 50, Tag = "a" }, new() { Percent = 50, Tag = "a" }]
        },
        {
            "Traffic targets sum to 101, want 100: spec.traffic\nexpected 0 <= 101 <= 100: spec.traffic[0].percent",
            [new() { Percent = 101 }]
        },
        { "must not set the field(s): spec.traffic[0].url", [new() { Percent = 100, Url = "http://x" }] },
    };

    [Theory]
    [MemberData(nameof(Traffic), DisableDiscoveryEnumeration = true)]
    public void BadTraffic_IsRefusedInUpstreamsWords(string want, TrafficTarget[] traffic) =>
        Assert.Equal(want, Check(A.Service("hello", null, traffic)));

    public static TheoryData<string, string, string> Annotations => new()
    {
        { "autoscaling.knative.dev/min-scale", "-1", "expected 0 <= -1 <= 2147483647: {0}" },
        { "autoscaling.knative.dev/minScale", "x", "invalid value: x: {0}" },
        { "autoscaling.knative.dev/window", "1s", "expected 6s <= 1s <= 1h0m0s: {0}" },
        { "autoscaling.knative.dev/window", "6500ms", "must be specified with at most second precision: {0}" },
        { "autoscaling.knative.dev/target", "0.001", "target 0.001 should be at least 0.01: {0}" },
        { "autoscaling.knative.dev/class", "x.knative.dev", "invalid value: x.knative.dev: {0}" },
        { "autoscaling.knative.dev/metric", "cpu", "invalid value: cpu: {0}" },
        { "autoscaling.knative.dev/initial-scale", "0", "invalid value: 0: {0}=0 not allowed by cluster" },
        { "autoscaling.knative.dev/activation-scale", "1", "activation-scale=1 must be greater than 1: {0}" },
        { "autoscaling.knative.dev/target-burst-capacity", "-2", "invalid value: -2: {0}" },
        { "serving.knative.dev/progress-deadline", "1.5ms", "progress-deadline=1.5ms is not at second precision: {0}" },
        { "networking.knative.dev/foo", "1", "invalid key name \"networking.knative.dev/foo\": spec.template.metadata.annotations" },
    };

    [Theory]
    [MemberData(nameof(Annotations))]
    public void BadAnnotationOfTheTemplate_IsRefusedInUpstreamsWords(string key, string value, string want)
    {
        var template = A.Template() with { Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { [key] = value } } };
        Assert.Equal(want.Replace("{0}", $"spec.template.metadata.annotations.{key}", StringComparison.Ordinal),
            Check(A.Service("hello", template)));
    }

    [Fact]
    public void AutoscalingAnnotationOfTheService_IsRefused()
    {
        var service = A.Service("hello");
        service.Metadata.Annotations["autoscaling.knative.dev/min-scale"] = "1";
        Assert.Equal(
            "invalid key name \"autoscaling.knative.dev/min-scale\": metadata.annotations\nautoscaling annotations must be put under " +
            "\"spec.template.metadata.annotations\" to work",
            Check(service));
    }

    [Fact]
    public void FeatureThatIsOff_IsRefusedWithTheWayToSwitchItOn()
    {
        var template = A.Template();
        template = template with { Spec = template.Spec with { NodeSelector = new Dictionary<string, string> { ["a"] = "b" } } };
        var service = A.Service("hello", template);
        Assert.Equal(
            "must not set the field(s): spec.template.spec.nodeSelector\nto allow it, set kubernetes.podspec-nodeselector: \"enabled\" in the " +
            "ConfigMap config-features of namespace knative-serving",
            Check(service));
        Assert.Equal(
            "", Check(service, policy: new ServingPolicy { Features = new FeaturesConfig { NodeSelector = FeatureFlag.Allowed } }));
    }

    [Fact]
    public void NamedTemplate_MustBeginWithTheServicesNameAndChangeWithIt()
    {
        RevisionTemplate Named(string name, string image) =>
            A.Template(A.Container(image)) with { Metadata = new V1ObjectMeta { Name = name } };

        Assert.Equal(
            "invalid value: \"other-v1\" must have prefix \"hello-\": spec.template.metadata.name",
            Check(A.Service("hello", Named("other-v1", A.Image))));
        var old = A.Service("hello", Named("hello-v1", A.Image));
        Assert.Equal("", Check(old, old));
        Assert.StartsWith(
            "Saw the following changes without a name change (-old +new): spec.template.metadata.name\n{spec.containers[0].image}:\n\t-: \"local",
            Check(A.Service("hello", Named("hello-v1", "localhost:5000/hello:v2")), old));
    }

    [Fact]
    public void Authors_AreNotForUsersToChange()
    {
        var (old, changed) = (A.Service("hello"), A.Service("hello"));
        changed.Metadata.Annotations["serving.knative.dev/creator"] = "mallory";
        changed.Metadata.Annotations["serving.knative.dev/lastModifier"] = "mallory";
        Assert.Equal(
            "annotation value is immutable: metadata.annotations.serving.knative.dev/creator\n" +
            "invalid value: mallory: metadata.annotations.serving.knative.dev/lastModifier",
            Check(changed, old));
    }

    [Fact]
    public void ChangedRevision_IsRefused()
    {
        var old = A.Revision("hello-00001");
        var errors = new FieldErrors();
        (old with { Spec = old.Spec with { TimeoutSeconds = 5 }, Metadata = A.Meta("hello-00001") })
            .Validate(ServingPolicy.Default, old, errors);
        Assert.Equal("Immutable fields changed (-old +new): spec\n{timeoutSeconds}:\n\t-: 300\n\t+: 5", errors.ToString());
    }

    [Fact]
    public void BadName_IsRefused()
    {
        var service = A.Service("hello") with { Metadata = A.Meta("1hello") };
        Assert.StartsWith("not a DNS 1035 label: [a DNS-1035 label must consist of", Check(service), StringComparison.Ordinal);
    }

    [Fact]
    public void EqualMessages_MergeTheirPaths()
    {
        var errors = new FieldErrors();
        errors.Missing("b");
        errors.Missing("a", "b");
        errors.Disallowed("z");
        Assert.Equal("missing field(s): a, b\nmust not set the field(s): z", errors.ToString());
    }

    [Fact]
    public void InsecureDefaults_AreWarnedOf()
    {
        var errors = new FieldErrors();
        A.Service("hello").Validate(ServingPolicy.Default, null, errors);
        Assert.True(errors.IsEmpty);
        var warning = Assert.Single(errors.Warnings);
        Assert.StartsWith("Kubernetes default value is insecure, Knative may default this to secure in a future release: ", warning);
        Assert.Contains("spec.template.spec.containers[0].securityContext.runAsNonRoot", warning);
    }

    private static string Check(KnService service, KnService? old = null, ServingPolicy? policy = null)
    {
        var errors = new FieldErrors();
        service.Validate(policy ?? ServingPolicy.Default, old, errors);
        return errors.ToString();
    }
}
