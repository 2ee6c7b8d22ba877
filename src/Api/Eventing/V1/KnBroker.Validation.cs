using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record KnBroker
{
    /// <param name="old">The stored object; null at creation.</param>
    public void Validate(EventingPolicy policy, KnBroker? old, FieldErrors errors)
    {
        var ns = Metadata.NamespaceProperty ?? "";
        if (string.IsNullOrEmpty(Class()))
        {
            errors.Missing(EventingKeys.BrokerClass);
        }

        Spec.Config?.Validate(policy.Brokers.AllowsOtherNamespaces(ns) ? "" : ns, "spec.config", errors);
        Spec.Delivery?.Validate("spec.delivery", policy.Features, errors);
        if (old is null)
        {
            return;
        }

        if (JsonDiff.Of(old.Spec with { Delivery = null }, Spec with { Delivery = null }) is { Length: > 0 } difference)
        {
            errors.Add("Immutable fields changed (-old +new)", "spec", difference);
        }

        if (old.Class() != Class())
        {
            errors.Add(
                "Immutable fields changed (-old +new)", "annotations", $"{{string}}:\n\t-: \"{old.Class()}\"\n\t+: \"{Class()}\"\n");
        }
    }
}
