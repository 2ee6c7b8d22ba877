using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Services;

/// <summary>The reconciled Endpoints have no status of their own.</summary>
internal sealed record NoStatus;

/// <summary>Mirrors Endpoints that somebody wrote by hand for a Service without selector into EndpointSlices.</summary>
internal sealed class EndpointSliceMirroringReconciler : IReconciler<V1Endpoints, NoStatus>
{
    public Plan<NoStatus> Reconcile(V1Endpoints resource, IView view)
    {
        var metadata = resource.Metadata;
        var service = view.Get<V1Service>(metadata.NamespaceProperty, metadata.Name);
        var mirrored = service is { Spec.Selector: not { Count: > 0 } } && metadata.DeletionTimestamp is null
            && !Has(metadata.Labels, "endpointslice.kubernetes.io/skip-mirror", "true")
            && metadata.Annotations?.ContainsKey("control-plane.alpha.kubernetes.io/leader") != true;
        var slices = mirrored ? Slices(resource) : [];
        var wanted = slices.Select(s => s.Metadata.Name).ToHashSet();
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        steps.AddRange(slices.Select(PlanStep.Ensure));
        steps.AddRange(view.Owned<V1EndpointSlice>(metadata)
            .Where(s => !wanted.Contains(s.Metadata.Name) && s.Metadata.DeletionTimestamp is null).Select(s => PlanStep.Delete(s)));
        return new(null) { Steps = steps.ToImmutable() };
    }

    private static List<V1EndpointSlice> Slices(V1Endpoints endpoints)
    {
        var labels = new Dictionary<string, string>(endpoints.Metadata.Labels ?? new Dictionary<string, string>())
        {
            [EndpointSlices.ManagedBy] = EndpointSlices.MirrorController,
        };
        var found = new List<(string Family, IReadOnlyList<BackendPort> Ports, V1Endpoint Endpoint)>();
        foreach (var subset in endpoints.Subsets ?? [])
        {
            var ports = (subset.Ports ?? []).Select(p => new BackendPort(p.Name ?? "", p.Port, p.Protocol ?? "TCP", p.AppProtocol))
                .ToList();
            found.AddRange(Addresses(subset.Addresses, ready: true, ports));
            found.AddRange(Addresses(subset.NotReadyAddresses, ready: false, ports));
        }

        return EndpointSlices.Build(
            endpoints.Metadata.NamespaceProperty, endpoints.Metadata.Name,
            Ownership.ReferenceTo("v1", "Endpoints", endpoints.Metadata), labels, found);
    }

    private static IEnumerable<(string Family, IReadOnlyList<BackendPort> Ports, V1Endpoint Endpoint)> Addresses(
        IList<V1EndpointAddress>? addresses, bool ready, IReadOnlyList<BackendPort> ports)
    {
        foreach (var address in addresses ?? [])
        {
            if (ServiceBackends.FamilyOf(address.Ip) is { } family)
            {
                yield return (family, ports, new V1Endpoint
                {
                    Addresses = [address.Ip],
                    Conditions = new V1EndpointConditions { Ready = ready },
                    NodeName = address.NodeName,
                    TargetRef = address.TargetRef,
                    Hostname = string.IsNullOrEmpty(address.Hostname) ? null : address.Hostname,
                });
            }
        }
    }

    private static bool Has(IDictionary<string, string>? labels, string name, string value) =>
        labels is not null && labels.TryGetValue(name, out var have) && have == value;
}
