using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;

namespace Knet.Tests.Unit.Serving.Builders;

/// <summary>Objects as they stand in the API, in few words.</summary>
internal static class A
{
    public const string Namespace = "default";
    public const string Image = "localhost:5000/hello:v1";
    public const string Digest = "localhost:5000/hello@sha256:1111111111111111111111111111111111111111111111111111111111111111";

    public static V1ObjectMeta Meta(string name, string? uid = null) => new()
    {
        Name = name,
        NamespaceProperty = Namespace,
        Uid = uid ?? $"uid-{name}",
        Generation = 1,
        ResourceVersion = "1",
    };

    public static V1Container Container(string image = Image) => new() { Image = image };

    public static RevisionTemplate Template(params V1Container[] containers) => new()
    {
        Spec = new RevisionSpec { Containers = containers.Length == 0 ? [Container()] : [.. containers] },
    };

    /// <summary>A Service as admission leaves it.</summary>
    public static KnService Service(string name, RevisionTemplate? template = null, params TrafficTarget[] traffic) =>
        new KnService
        {
            Metadata = Meta(name),
            Spec = new ServiceSpec { Template = template ?? Template(), Traffic = traffic.Length == 0 ? null : [.. traffic] },
        }.WithDefaults(ServingPolicy.Default, null, "alice");

    public static KnConfiguration Configuration(string name, RevisionTemplate? template = null) =>
        new KnConfiguration { Metadata = Meta(name), Spec = new ConfigurationSpec { Template = template ?? Template() } }
            .WithDefaults(ServingPolicy.Default, null, "alice");

    public static KnRoute Route(string name, params TrafficTarget[] traffic) =>
        new KnRoute
        {
            Metadata = Meta(name),
            Spec = new RouteSpec { Traffic = traffic.Length == 0 ? [To(name)] : [.. traffic] },
        }.WithDefaults(null, null);

    public static TrafficTarget To(string configuration, long percent = 100, string? tag = null) =>
        new() { ConfigurationName = configuration, Percent = percent, LatestRevision = true, Tag = tag };

    public static TrafficTarget Pinned(string revision, long percent, string? tag = null) =>
        new() { RevisionName = revision, Percent = percent, LatestRevision = false, Tag = tag };

    public static KnRevision Revision(string name, string configuration = "hello", long generation = 1) => new KnRevision
    {
        Metadata = Meta(name) with
        {
            Labels = new Dictionary<string, string>
            {
                [ServingKeys.Configuration] = configuration,
                [ServingKeys.ConfigurationGeneration] = $"{generation}",
                [ServingKeys.Service] = "",
                [ServingKeys.RoutingState] = ServingKeys.RoutingActive,
            },
            OwnerReferences = [Owner("Configuration", configuration)],
        },
        Spec = Template().Spec,
    }.WithDefaults(ServingPolicy.Default, null);

    public static KnRevision Ready(this KnRevision revision) => revision.With(ConditionSet.True);

    public static KnRevision Failed(this KnRevision revision, string message) => revision.With(ConditionSet.False, "ExitCode1", message);

    public static KnRevision With(this KnRevision revision, string ready, string? reason = null, string? message = null) => revision with
    {
        Status = revision.Status with
        {
            ObservedGeneration = revision.Metadata.Generation,
            Conditions = [Condition("Ready", ready, reason, message)],
        },
    };

    public static KnConfiguration WithLatest(this KnConfiguration configuration, string? ready, string created, string status = "True") =>
        configuration with
        {
            Status = new ConfigurationStatus
            {
                ObservedGeneration = configuration.Metadata.Generation,
                LatestReadyRevisionName = ready,
                LatestCreatedRevisionName = created,
                Conditions = [Condition("Ready", status)],
            },
        };

    public static KnCondition Condition(string type, string status, string? reason = null, string? message = null) =>
        new() { Type = type, Status = status, Reason = reason, Message = message, LastTransitionTime = World.Start.UtcDateTime };

    public static V1OwnerReference Owner(string kind, string name) => new()
    {
        ApiVersion = "serving.knative.dev/v1", Kind = kind, Name = name, Uid = $"uid-{name}", Controller = true, BlockOwnerDeletion = true,
    };

    public static PodAutoscalerStatus Scaled(
        int count, string ready = "True", bool initialized = true, string? reason = null, string? message = null) => new()
        {
            ServiceName = "r",
            ActualScale = count,
            DesiredScale = count,
            Conditions =
        [
            Condition("Ready", ready, reason, message), Condition("ScaleTargetInitialized", initialized ? "True" : "Unknown"),
        ],
        };

    public static IngressStatus Routing(long? generation) => new()
    {
        ObservedGeneration = generation,
        Conditions = [Condition("Ready", "True")],
        PrivateLoadBalancer = new LoadBalancerStatus
        {
            Ingress = [new LoadBalancerIngress { DomainInternal = "knet-gateway.knative-serving.svc.cluster.local" }],
        },
    };

    public static V1DeploymentStatus Deployed(int ready) => new()
    {
        Replicas = 1,
        ReadyReplicas = ready,
        AvailableReplicas = ready,
        Conditions = [new V1DeploymentCondition { Type = "Progressing", Status = "True" }],
    };
}
