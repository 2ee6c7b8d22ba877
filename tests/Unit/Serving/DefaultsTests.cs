using CsCheck;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class DefaultsTests
{
    private static readonly Gen<V1Container> AnyContainer =
        from name in Pick<string?>(null, "", "web", "user-container-0")
        from port in Pick<int?>(null, 0, 80, 8080)
        from period in Pick<int?>(null, 0, 5)
        from hasProbe in Gen.Bool
        from hasGet in Gen.Bool
        from mount in Pick<string?>(null, "v", "w")
        select new V1Container
        {
            Name = name,
            Image = A.Image,
            Ports = port is null ? null : [new V1ContainerPort { ContainerPort = port.Value }],
            ReadinessProbe = hasProbe
                ? new V1Probe { PeriodSeconds = period, HttpGet = hasGet ? new V1HTTPGetAction { Path = "/" } : null }
                : null,
            VolumeMounts = mount is null ? null : [new V1VolumeMount { Name = mount, MountPath = "/m" }],
            Resources = hasGet
                ? new V1ResourceRequirements { Limits = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("1500m") } }
                : null,
        };

    private static readonly Gen<KnService> AnyService =
        from containers in AnyContainer.List[1, 3]
        from init in AnyContainer.List[0, 2]
        from timeout in Pick<long?>(null, 0, 10)
        from concurrency in Pick<long?>(null, 0, 7)
        from percents in Gen.Long[0, 100].List[0, 3]
        select new KnService
        {
            Metadata = A.Meta("hello"),
            Spec = new ServiceSpec
            {
                Template = new RevisionTemplate
                {
                    Spec = new RevisionSpec
                    {
                        Containers = containers,
                        InitContainers = init.Count == 0 ? null : init,
                        TimeoutSeconds = timeout,
                        ContainerConcurrency = concurrency,
                        Volumes = [new V1Volume { Name = "v", EmptyDir = new V1EmptyDirVolumeSource() }],
                    },
                },
                Traffic = percents.Count == 0 ? null : [.. percents.Select(p => new TrafficTarget { Percent = p })],
            },
        };

    private static readonly Gen<ServingPolicy> AnyPolicy =
        from secure in Gen.Enum<FeatureFlag>()
        from idle in Pick(0L, 5, 1000)
        select new ServingPolicy
        {
            Features = new FeaturesConfig { SecurePodDefaults = secure },
            Defaults = new DefaultsConfig { RevisionIdleTimeoutSeconds = idle, RevisionCpuRequest = "250m", RevisionMemoryLimit = "64Mi" },
        };

    [Fact]
    public void Defaults_ChangeNothingTheSecondTime() =>
        Gen.Select(AnyService, AnyPolicy).Sample((service, policy) =>
        {
            var once = service.WithDefaults(policy, null, "alice");
            return Json(once) == Json(once.WithDefaults(policy, null, "alice"))
                && Json(once) == Json(once.WithDefaults(policy, once, "bob"));
        });

    [Fact]
    public void Kinds_SurviveTheWire() =>
        AnyService.Sample(service =>
        {
            var one = service.WithDefaults(ServingPolicy.Default, null, "alice");
            return Json(KubeJson.Deserialize<KnService>(KubeJson.Serialize(one))) == Json(one);
        });

    /// <summary>Generated code hands null to members that are not in the JSON, and so does a client that writes null.</summary>
    [Theory]
    [InlineData("""{"metadata":{"name":"a"}}""")]
    [InlineData("""{"metadata":{"name":"a"},"spec":null,"status":null}""")]
    public void AbsentMembers_AreEmptyOnes(string json)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(json);
        var service = KubeJson.Deserialize<KnService>(bytes);
        Assert.Empty(service.Spec.Template.Spec.Containers);
        Assert.Null(service.Status.Url);
        Assert.NotNull(KubeJson.Deserialize<KnRevision>(bytes).Status);
        Assert.NotNull(KubeJson.Deserialize<KnIngress>(bytes).Status);
        Assert.NotNull(KubeJson.Deserialize<KnPodAutoscaler>(bytes).Spec);
    }

    [Fact]
    public void PlainService_GetsUpstreamsDefaults()
    {
        var service = A.Service("hello");
        var spec = service.Spec.Template.Spec;
        Assert.Equal((300L, 0L, false), (spec.TimeoutSeconds, spec.ContainerConcurrency, spec.EnableServiceLinks));
        Assert.Null(spec.ResponseStartTimeoutSeconds);
        Assert.Equal("user-container", spec.Containers[0].Name);
        Assert.Equal("""{"successThreshold":1,"tcpSocket":{"port":0}}""", Json(spec.Containers[0].ReadinessProbe));
        Assert.Equal([new TrafficTarget { LatestRevision = true, Percent = 100 }], service.Spec.Traffic!);
        Assert.Equal("alice", service.Metadata.Annotations["serving.knative.dev/creator"]);
    }

    [Fact]
    public void LastModifier_FollowsChangesOfTheSpecOnly()
    {
        var old = A.Service("hello");
        string Modifier(KnService service) =>
            service.WithDefaults(ServingPolicy.Default, old, "bob").Metadata.Annotations["serving.knative.dev/lastModifier"];

        Assert.Equal(
            "alice", Modifier(old with { Metadata = old.Metadata with { Labels = new Dictionary<string, string> { ["a"] = "b" } } }));
        Assert.Equal("bob", Modifier(old with { Spec = A.Service("hello", A.Template(A.Container("localhost:5000/x"))).Spec }));
    }

    [Fact]
    public void SeveralContainers_GetNumberedNames()
    {
        var template = A.Template(A.Container() with { Ports = [new V1ContainerPort { ContainerPort = 80 }] }, A.Container());
        var containers = A.Service("hello", template).Spec.Template.Spec.Containers;
        Assert.Equal(["user-container-0", "user-container-1"], containers.Select(c => c.Name));
        Assert.NotNull(containers[0].ReadinessProbe);
        Assert.Null(containers[1].ReadinessProbe);
    }

    [Fact]
    public void StoredRevision_IsNeverDefaulted()
    {
        var bare = new KnRevision { Metadata = A.Meta("r"), Spec = A.Template().Spec };
        Assert.Same(bare, bare.WithDefaults(ServingPolicy.Default, bare));
    }

    private static Gen<T> Pick<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    private static string Json<T>(T value) => System.Text.Encoding.UTF8.GetString(KubeJson.Serialize(value));
}
