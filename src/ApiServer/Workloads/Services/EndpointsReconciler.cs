using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Services;

/// <summary>Writes the Endpoints and EndpointSlices of a Service that has a selector.</summary>
/// <remarks>A pod with a deletionTimestamp is out of the ready addresses at once, before its containers hear of it.</remarks>
internal sealed class EndpointsReconciler : IReconciler<V1Service, V1ServiceStatus>
{
    public Plan<V1ServiceStatus> Reconcile(V1Service resource, IView view)
    {
        if (resource.Spec.Selector is not { Count: > 0 } || resource.Spec.Type == "ExternalName"
            || resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null) { Steps = [.. Stale(resource, view, [])] };
        }

        var backends = ServiceBackends.Of(resource, view);
        var slices = Slices(resource, backends);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        steps.AddRange(slices.Select(PlanStep.Ensure));
        steps.Add(PlanStep.Ensure(Endpoints(resource, backends)));
        steps.AddRange(Stale(resource, view, [.. slices.Select(s => s.Metadata.Name)]));
        return new(null) { Steps = steps.ToImmutable() };
    }

    private static bool IsHeadless(V1Service service) => service.Spec.ClusterIP == "None";

    private static IEnumerable<PlanStep> Stale(V1Service service, IView view, HashSet<string> wanted) =>
        view.Labelled<V1EndpointSlice>(service.Metadata.NamespaceProperty, EndpointSlices.ServiceName, service.Metadata.Name)
            .Where(s => s.Metadata.Labels.TryGetValue(EndpointSlices.ManagedBy, out var by) && by == EndpointSlices.Controller)
            .Where(s => !wanted.Contains(s.Metadata.Name) && s.Metadata.DeletionTimestamp is null)
            .Select(s => PlanStep.Delete(s));

    private static List<V1EndpointSlice> Slices(V1Service service, List<Backend> backends)
    {
        var labels = new Dictionary<string, string>(service.Metadata.Labels ?? new Dictionary<string, string>())
        {
            [EndpointSlices.ManagedBy] = EndpointSlices.Controller,
        };
        if (IsHeadless(service))
        {
            labels[EndpointSlices.Headless] = "";
        }

        var owner = Ownership.ReferenceTo("v1", "Service", service.Metadata);
        return EndpointSlices.Build(
            service.Metadata.NamespaceProperty, service.Metadata.Name, owner, labels,
            backends.Where(b => ServiceBackends.FamilyOf(b.Address) is not null)
                .Select(b => (ServiceBackends.FamilyOf(b.Address)!, b.Ports, new V1Endpoint
                {
                    Addresses = [b.Address],
                    Conditions = new V1EndpointConditions { Ready = b.Ready, Serving = b.Serving, Terminating = b.Terminating },
                    NodeName = b.Pod.Spec.NodeName,
                    TargetRef = b.Target,
                    Hostname = Hostname(service, b.Pod),
                })));
    }

    private static V1Endpoints Endpoints(V1Service service, List<Backend> backends)
    {
        var labels = new Dictionary<string, string>(service.Metadata.Labels ?? new Dictionary<string, string>())
        {
            ["endpoints.kubernetes.io/managed-by"] = "endpoint-controller",
        };
        if (IsHeadless(service))
        {
            labels[EndpointSlices.Headless] = "";
        }

        var publish = service.Spec.PublishNotReadyAddresses == true;
        var subsets = backends.Where(b => publish || !b.Terminating).GroupBy(b => string.Join(',', b.Ports))
            .Select(group => new V1EndpointSubset
            {
                Addresses = Addresses(service, group.Where(b => b.Ready)),
                NotReadyAddresses = Addresses(service, group.Where(b => !b.Ready)),
                Ports = group.First().Ports is { Count: > 0 } ports ? [.. ports.Select(p => new Corev1EndpointPort
            {
                Name = p.Name.Length == 0 ? null : p.Name, Port = p.Port, Protocol = p.Protocol, AppProtocol = p.AppProtocol,
            })] : null,
            }).ToList();
        return new V1Endpoints
        {
            ApiVersion = "v1",
            Kind = "Endpoints",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = service.Metadata.NamespaceProperty,
                Name = service.Metadata.Name,
                Labels = labels,

                // Not controlling: Endpoints that were there before the selector are taken over, as in Kubernetes. It makes them go with
                // the Service.
                OwnerReferences = [Ownership.ReferenceTo("v1", "Service", service.Metadata)
                    with { Controller = null, BlockOwnerDeletion = null }],
            },
            Subsets = subsets.Count == 0 ? null : subsets,
        };
    }

    private static List<V1EndpointAddress>? Addresses(V1Service service, IEnumerable<Backend> backends) =>
        backends.OrderBy(b => b.Address, StringComparer.Ordinal).Select(b => new V1EndpointAddress
        {
            Ip = b.Address, NodeName = b.Pod.Spec.NodeName, TargetRef = b.Target, Hostname = Hostname(service, b.Pod),
        }).ToList() is { Count: > 0 } addresses ? addresses : null;

    private static string? Hostname(V1Service service, V1Pod pod) =>
        pod.Spec.Subdomain == service.Metadata.Name && !string.IsNullOrEmpty(pod.Spec.Hostname) ? pod.Spec.Hostname : null;
}
