using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record KnTrigger
{
    /// <summary>An empty filter, the subscriber's namespace and the label of the Broker; who made and changed the object is noted.</summary>
    public KnTrigger WithDefaults(EventingPolicy policy, KnTrigger? old)
    {
        var ns = Metadata.NamespaceProperty;
        var result = this with
        {
            Spec = Spec with
            {
                Filter = Spec.Filter ?? new TriggerFilter(),
                Subscriber = Spec.Subscriber.WithDefaults(ns),
                Delivery = Spec.Delivery?.WithDefaults(ns),
                BrokerRef = Spec.BrokerRef?.WithDefaults(ns),
            },
        };
        if ((Spec.BrokerRef?.Name ?? Spec.Broker) is { Length: > 0 } broker)
        {
            result = result with { Metadata = Metadata with { Labels = Annotations.With(Metadata.Labels, EventingKeys.Broker, broker) } };
        }

        return policy.User is null ? result : result with
        {
            Metadata = Authors.Of(
                result.Metadata, old is null, policy.User, () => Authors.Same(old!.Spec, result.Spec), EventingKeys.Group),
        };
    }
}
