using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>Rules about names, labels and annotations that several kinds share.</summary>
internal static class MetadataValidation
{
    private const string Annotations = "metadata.annotations";

    public static void OfObject(V1ObjectMeta metadata, FieldErrors errors)
    {
        var (name, prefix) = (metadata.Name ?? "", metadata.GenerateName ?? "");
        if (prefix.Length != 0 && DnsNames.Check1035Label(prefix, isPrefix: true) is { } badPrefix)
        {
            errors.Add($"not a DNS 1035 label prefix: [{badPrefix}]", "metadata.generateName");
        }
        else if (name.Length != 0 && DnsNames.Check1035Label(name) is { } badName)
        {
            errors.Add($"not a DNS 1035 label: [{badName}]", "metadata.name");
        }
        else if (name.Length == 0 && prefix.Length == 0)
        {
            errors.Add("name or generateName is required", "metadata.name");
        }
    }

    public static void NoAutoscaling(IDictionary<string, string>? annotations, FieldErrors errors)
    {
        foreach (var key in annotations?.Keys ?? [])
        {
            if (key.StartsWith("autoscaling.knative.dev", StringComparison.Ordinal))
            {
                errors.InvalidKey(
                    key, Annotations, "autoscaling annotations must be put under \"spec.template.metadata.annotations\" to work");
            }
        }
    }

    public static void RolloutDuration(IDictionary<string, string>? annotations, FieldErrors errors) =>
        WholeSeconds(
            AutoscalingAnnotations.Find(annotations, ServingKeys.RolloutDuration, ServingKeys.RolloutDurationAlt), "rollout-duration",
            Annotations, errors);

    /// <summary>An annotation that must be a Go duration of whole seconds, not negative.</summary>
    public static void WholeSeconds((string Key, string? Value) annotation, string name, string path, FieldErrors errors)
    {
        var (key, value) = annotation;
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        if (!GoDuration.TryParse(value, out var duration))
        {
            errors.Invalid(value, $"{path}.{key}");
        }
        else if (duration.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            errors.Add($"{name}={value} is not at second precision", $"{path}.{key}");
        }
        else if (duration < TimeSpan.Zero)
        {
            errors.Add($"{name}={value} must be positive", $"{path}.{key}");
        }
    }

    /// <summary>A label that names an owner must be backed by an owner reference.</summary>
    public static void OwnerLabel(V1ObjectMeta metadata, string label, string kind, FieldErrors errors)
    {
        if (metadata.Labels is not null && metadata.Labels.TryGetValue(label, out var owner) &&
            metadata.OwnerReferences?.Any(o => o.Kind == kind && o.Name == owner) != true)
        {
            errors.Missing($"metadata.labels.{label}");
        }
    }

    /// <summary>Nobody rewrites who made an object; who changed it last follows changes of the spec only.</summary>
    public static void Authors(V1ObjectMeta old, V1ObjectMeta metadata, Func<bool> isSpecSame, FieldErrors errors)
    {
        if (Text(old, ServingKeys.Creator) != Text(metadata, ServingKeys.Creator))
        {
            errors.Add("annotation value is immutable", $"{Annotations}.{ServingKeys.Creator}");
        }

        var modifier = Text(metadata, ServingKeys.LastModifier);
        if (Text(old, ServingKeys.LastModifier) != modifier && isSpecSame())
        {
            errors.Invalid(modifier, $"{Annotations}.{ServingKeys.LastModifier}");
        }
    }

    private static string Text(V1ObjectMeta metadata, string key) =>
        metadata.Annotations?.TryGetValue(key, out var value) == true ? value : "";
}
