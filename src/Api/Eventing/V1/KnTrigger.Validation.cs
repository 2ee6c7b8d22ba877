using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record KnTrigger
{
    /// <inheritdoc cref="KnBroker.Validate"/>
    public void Validate(EventingPolicy policy, KnTrigger? old, FieldErrors errors)
    {
        ValidateBroker(policy, errors);
        SubscriptionsApiFilter.ValidateNames(Spec.Filter?.Attributes, "spec.filter.attributes", errors);
        SubscriptionsApiFilter.ValidateAll(Spec.Filters, "spec.filters", policy, errors);
        Spec.Subscriber.Validate("spec.subscriber", errors);
        Spec.Delivery?.Validate("spec.delivery", policy.Features, errors);
        if (Find(EventingKeys.Dependency) is { } dependency)
        {
            ValidateDependency(dependency, $"metadata.annotations[{EventingKeys.Dependency}]", errors);
        }

        if (Find(EventingKeys.Injection) is { } injection)
        {
            ValidateInjection(injection, $"metadata.annotations[{EventingKeys.Injection}]", errors);
        }

        if (old is not null && old.Spec.Broker != Spec.Broker)
        {
            errors.Add(
                "Immutable fields changed (-old +new)", ["spec", "broker"],
                $"{{string}}:\n\t-: \"{old.Spec.Broker}\"\n\t+: \"{Spec.Broker}\"\n");
        }
    }

    private string? Find(string annotation) =>
        Metadata.Annotations is { } map && map.TryGetValue(annotation, out var value) ? value : null;

    private void ValidateBroker(EventingPolicy policy, FieldErrors errors)
    {
        switch (string.IsNullOrEmpty(Spec.Broker), Spec.BrokerRef)
        {
            case (true, null):
                errors.Missing("spec.broker");
                break;
            case (false, not null):
                errors.MultipleOneOf("spec.broker", "spec.brokerRef");
                break;
            case (true, { } reference):
                if (!policy.Features.CrossNamespaceEventLinks && !string.IsNullOrEmpty(reference.Namespace)
                    && reference.Namespace != Metadata.NamespaceProperty)
                {
                    errors.Disallowed("spec.brokerRef.namespace");
                }

                reference.Validate("", "spec.brokerRef", errors);
                break;
        }
    }

    private void ValidateDependency(string text, string path, FieldErrors errors)
    {
        V1ObjectReference reference;
        try
        {
            reference = KubeJson.Deserialize<V1ObjectReference>(System.Text.Encoding.UTF8.GetBytes(text));
        }
        catch (JsonException e)
        {
            errors.Add($"The provided annotation was not a corev1.ObjectReference: {JsonSerializer.Serialize(text)}", path, e.Message);
            return;
        }

        if (!string.IsNullOrEmpty(reference.NamespaceProperty) && reference.NamespaceProperty != Metadata.NamespaceProperty)
        {
            errors.Add(
                $"Namespace must be empty or equal to the trigger namespace \"{Metadata.NamespaceProperty}\"", $"{path}.namespace");
        }

        foreach (var (name, value) in new[] { ("kind", reference.Kind), ("name", reference.Name), ("apiVersion", reference.ApiVersion) })
        {
            if (string.IsNullOrEmpty(value))
            {
                errors.Missing($"{path}.{name}");
            }
        }
    }

    private void ValidateInjection(string value, string path, FieldErrors errors)
    {
        if (value is not ("enabled" or "disabled"))
        {
            errors.Add($"The provided injection annotation value can only be \"enabled\" or \"disabled\", not \"{value}\"", path);
        }
        else if (Spec.Broker != "default")
        {
            errors.Add(
                "The provided injection annotation is only used for default broker, but non-default broker specified here: " +
                $"\"{Spec.Broker}\"", path);
        }
    }
}
