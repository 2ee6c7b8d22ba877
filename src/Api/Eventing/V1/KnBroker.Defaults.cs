using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record KnBroker
{
    /// <summary>The class that the annotation names; null without one.</summary>
    public string? Class() => Metadata.Annotations is { } map && map.TryGetValue(EventingKeys.BrokerClass, out var name) ? name : null;

    /// <summary>Class, configuration and delivery from config-br-defaults; who made and changed the object is noted.</summary>
    public KnBroker WithDefaults(EventingPolicy policy, KnBroker? old)
    {
        var ns = Metadata.NamespaceProperty ?? "";
        var name = Class() ?? policy.Brokers.ClassFor(ns);

        // Upstream looks a Broker that has a configuration up under the kind of that: in effect, what holds for all classes applies.
        var found = policy.Brokers.Find(ns, Spec.Config is { } given ? given.Kind ?? "" : name ?? "");
        var delivery = Spec.Delivery ?? (found?.Delivery is { } preset
            ? new DeliverySpec
            {
                DeadLetterSink = preset.DeadLetterSink, Retry = preset.Retry, BackoffPolicy = preset.BackoffPolicy,
                BackoffDelay = preset.BackoffDelay,
            }
            : null);
        var result = this with
        {
            Spec = new BrokerSpec
            {
                Config = (Spec.Config ?? found?.Config)?.WithDefaults(ns), Delivery = delivery?.WithDefaults(ns),
            },
        };
        if (Class() is null && name is not null)
        {
            result = result with
            {
                Metadata = Metadata with { Annotations = Annotations.With(Metadata.Annotations, EventingKeys.BrokerClass, name) },
            };
        }

        return policy.User is null ? result : result with
        {
            Metadata = Authors.Of(
                result.Metadata, old is null, policy.User, () => Authors.Same(old!.Spec, result.Spec), EventingKeys.Group),
        };
    }
}
