using System.Text;
using k8s.Models;
using Knet.Api.Eventing;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Eventing.Addressing;
using Knet.Kube.Controllers;

namespace Knet.Eventing.Triggers;

/// <summary>
/// A Trigger of a Broker of class <c>Knet</c>: where its events go, and whether they can. Those of other classes are left to their
/// controllers.
/// </summary>
public sealed class TriggerReconciler : IReconciler<KnTrigger, TriggerStatus>
{
    public Plan<TriggerStatus> Reconcile(KnTrigger resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new Plan<TriggerStatus>(null);
        }

        var (ns, reference) = (resource.Metadata.NamespaceProperty, resource.Spec.BrokerRef);
        var name = reference?.Name ?? resource.Spec.Broker ?? "";
        var broker = view.Get<KnBroker>(string.IsNullOrEmpty(reference?.Namespace) ? ns : reference.Namespace, name);
        if (broker is not null && broker.Class() != EventingKeys.KnetBrokerClass)
        {
            return new Plan<TriggerStatus>(null);
        }

        var status = resource.Status.Begin(resource.Metadata.Generation).WithoutIdentity();
        status = broker is null ? status.WithoutBroker(name) : Follow(resource, status.Propagate(broker.Status), broker, view);
        return new Plan<TriggerStatus>(status.End(resource.Status, resource.Metadata.Generation, view.Now));
    }

    private static TriggerStatus Follow(KnTrigger trigger, TriggerStatus status, KnBroker broker, IView view)
    {
        var subscriber = Resolver.Resolve(trigger.Spec.Subscriber, trigger.Metadata.NamespaceProperty, view);
        status = subscriber.Address is { } address ? status.Resolved(address) : status.Unresolved(subscriber.Problem!);
        return Depend(trigger, DeadLetters(trigger, status, broker, view).Subscribed(), view);
    }

    // The Trigger's own sink, else the one that its Broker has resolved.
    private static TriggerStatus DeadLetters(KnTrigger trigger, TriggerStatus status, KnBroker broker, IView view)
    {
        if (trigger.Spec.Delivery?.DeadLetterSink is { } sink)
        {
            var resolved = Resolver.Resolve(sink, trigger.Metadata.NamespaceProperty, view);
            return resolved.Problem is { } problem ? status.DeadLettersUnresolved(problem) : status.WithDeadLetters(resolved.Address);
        }

        var from = broker.Status;
        return broker.Spec.Delivery?.DeadLetterSink is null ? status.WithDeadLetters(null)
            : from.DeadLetterSinkUri is null
                ? status.DeadLettersUnresolved($"Broker {broker.Metadata.Name} didn't set status.deadLetterSinkURI")
                : status.WithDeadLetters(new Api.Duck.Addressable
                {
                    Url = from.DeadLetterSinkUri, CaCerts = from.DeadLetterSinkCACerts, Audience = from.DeadLetterSinkAudience,
                });
    }

    private static TriggerStatus Depend(KnTrigger trigger, TriggerStatus status, IView view)
    {
        if (trigger.Metadata.Annotations is not { } map || !map.TryGetValue(EventingKeys.Dependency, out var text))
        {
            return status.WithoutDependency();
        }

        // Admission has read it already: what stands here is an ObjectReference.
        var reference = KubeJson.Deserialize<V1ObjectReference>(Encoding.UTF8.GetBytes(text));
        var (found, missing, unknown) = Target.Find(
            reference.ApiVersion, reference.Kind, trigger.Metadata.NamespaceProperty, reference.Name, view);
        return unknown is not null ? status.DependencyUnreadable(unknown)
            : found is null ? status.DependencyMissing(missing!)
            : status.Depending(
                ConditionSet.Find(found.Conditions, ConditionSet.Ready),
                found.ObservedGeneration is null || found.ObservedGeneration == found.Metadata.Generation);
    }
}
