using k8s;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>The Kubernetes Services under a Route's names: they lead programs in the cluster to the gateway (serving.md 9.4).</summary>
internal static class PlaceholderService
{
    /// <summary>
    /// Null while the data plane has not said where it answers; more than one place is an error of the data plane's.
    /// </summary>
    public static LoadBalancerIngress? LoadBalancer(IngressStatus status) =>
        (status.PrivateLoadBalancer ?? status.PublicLoadBalancer)?.Ingress is [var only] ? only : null;

    public static V1Service For(KnRoute route, string name, LoadBalancerIngress balancer) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = Metadata(route, name),
        Spec = Spec(balancer),
    };

    /// <summary>The address behind a headless Service, when the data plane has one instead of a name.</summary>
    public static V1Endpoints? EndpointsFor(KnRoute route, string name, LoadBalancerIngress balancer) => string.IsNullOrEmpty(balancer.Ip)
        ? null
        : new V1Endpoints
        {
            ApiVersion = "v1",
            Kind = "Endpoints",
            Metadata = Metadata(route, name),
            Subsets =
            [
                new V1EndpointSubset
                {
                    Addresses = [new V1EndpointAddress { Ip = balancer.Ip }],
                    Ports = [new Corev1EndpointPort { Name = "http2", Port = 80, AppProtocol = "kubernetes.io/h2c" }],
                },
            ],
        };

    /// <summary>The steps that bring the Service to what is wanted; none when it is.</summary>
    public static IEnumerable<PlanStep> Steps(V1Service? existing, V1Service wanted)
    {
        if (existing is not null && IsUpToDate(existing, wanted))
        {
            yield break;
        }

        // An address once given cannot be taken from a Service.
        if (existing is not null && existing.Spec.Type != "ExternalName" && wanted.Spec.Type == "ExternalName")
        {
            yield return PlanStep.Delete(existing);
        }

        yield return PlanStep.Apply(wanted);
    }

    private static V1ObjectMeta Metadata(KnRoute route, string name) => new()
    {
        Name = name,
        NamespaceProperty = route.Metadata.NamespaceProperty,
        Labels = Maps.Keep(route.Metadata.Labels, key => key != NetworkingKeys.Visibility)
            .With(ServingKeys.Route, route.Metadata.Name),
        Annotations = Maps.Keep(route.Metadata.Annotations, key => key != ServingKeys.LastApplied),
        OwnerReferences = [Ownership.By(route)],
    };

    private static V1ServiceSpec Spec(LoadBalancerIngress balancer)
    {
        var h2c = new V1ServicePort { Name = "http2", Port = 80, TargetPort = 80, Protocol = "TCP", AppProtocol = "kubernetes.io/h2c" };
        if (!string.IsNullOrEmpty(balancer.Ip))
        {
            return new V1ServiceSpec { Type = "ClusterIP", ClusterIP = "None", Ports = [h2c] };
        }

        var name = string.IsNullOrEmpty(balancer.DomainInternal) ? balancer.Domain : balancer.DomainInternal;
        return string.IsNullOrEmpty(name)
            ? new V1ServiceSpec
            {
                Type = "ClusterIP", Ports = [new V1ServicePort { Name = "http", Port = 80, TargetPort = 80, Protocol = "TCP" }],
            }
            : new V1ServiceSpec { Type = "ExternalName", ExternalName = name, SessionAffinity = "None", Ports = [h2c] };
    }

    private static bool IsUpToDate(V1Service existing, V1Service wanted) =>
        existing.Spec.Type == wanted.Spec.Type && (existing.Spec.ExternalName ?? "") == (wanted.Spec.ExternalName ?? "") &&
        (wanted.Spec.ClusterIP is null || existing.Spec.ClusterIP == wanted.Spec.ClusterIP) &&
        existing.Spec.Ports is [var port] && port.Port == wanted.Spec.Ports[0].Port && port.Name == wanted.Spec.Ports[0].Name &&
        Maps.Holds(existing.Metadata.Labels, wanted.Metadata.Labels) &&
        Maps.Holds(existing.Metadata.Annotations, wanted.Metadata.Annotations);
}
