using k8s.Models;
using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Api.Eventing.V1;
using Knet.Eventing.Addressing;
using Knet.Kube.Controllers;

namespace Knet.Eventing.Brokers;

/// <summary>
/// A Broker of class <c>Knet</c>: its events wait in a log of its own, so it needs no channel; it is ready when the Services that take and
/// hand out events have endpoints. Other classes are left to their own controllers.
/// </summary>
public sealed class BrokerReconciler : IReconciler<KnBroker, BrokerStatus>
{
    /// <summary>The Service that takes events, in the system's namespace.</summary>
    public const string Ingress = "broker-ingress";

    /// <summary>The Service that filters events and hands them out.</summary>
    public const string Filter = "broker-filter";

    public Plan<BrokerStatus> Reconcile(KnBroker resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null || resource.Class() != EventingKeys.KnetBrokerClass)
        {
            return new Plan<BrokerStatus>(null);
        }

        var (ns, name) = (resource.Metadata.NamespaceProperty, resource.Metadata.Name);
        var status = resource.Status.Begin(resource.Metadata.Generation)
            .WithoutChannel()
            .Available(BrokerStatus.FilterReady, Filter, HasAddresses(Filter, view))
            .Available(BrokerStatus.IngressReady, Ingress, HasAddresses(Ingress, view));
        status = view.Config<EventingFeatures>().AuthenticationOidc ? status.PoliciesUnsupported() : status.PoliciesOff();
        status = DeadLetters(resource, status, view)
            .Answering($"http://{Ingress}.{EventingKeys.SystemNamespace}.svc.cluster.local/{ns}/{name}");
        return new Plan<BrokerStatus>(status.End(resource.Status, resource.Metadata.Generation, view.Now));
    }

    private static BrokerStatus DeadLetters(KnBroker broker, BrokerStatus status, IView view)
    {
        if (broker.Spec.Delivery?.DeadLetterSink is not { } sink)
        {
            return status.WithDeadLetters(null);
        }

        var resolved = Resolver.Resolve(sink, broker.Metadata.NamespaceProperty, view);
        return resolved.Problem is { } problem ? status.DeadLettersUnresolved(problem) : status.WithDeadLetters(resolved.Address);
    }

    private static bool HasAddresses(string service, IView view) =>
        view.Get<V1Endpoints>(EventingKeys.SystemNamespace, service)?.Subsets?.Any(s => s.Addresses is { Count: > 0 }) == true;
}
