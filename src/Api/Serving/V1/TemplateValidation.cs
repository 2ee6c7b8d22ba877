using System.Globalization;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

/// <summary>Rules about revision templates.</summary>
internal static class TemplateValidation
{
    private static readonly HashSet<string> NetworkingAnnotations = new(StringComparer.Ordinal)
    {
        NetworkingKeys.IngressClass, NetworkingKeys.IngressClassAlt, NetworkingKeys.CertificateClass, NetworkingKeys.CertificateClassAlt,
        NetworkingKeys.DisableAutoTls, NetworkingKeys.DisableAutoTlsAlt, NetworkingKeys.DisableExternalDomainTls,
        NetworkingKeys.HttpOption, NetworkingKeys.HttpOptionAlt,
    };

    private static readonly string[] QuantityNames =
    [
        "cpu-resource-request", "cpu-resource-limit", "memory-resource-request", "memory-resource-limit",
        "ephemeral-storage-resource-request", "ephemeral-storage-resource-limit",
    ];

    public static void Validate(RevisionTemplate template, ServingPolicy policy, V1ObjectMeta parent, string path, FieldErrors errors)
    {
        PodValidation.Validate(template.Spec, policy, $"{path}.spec", errors);
        if (template.Metadata is not { } metadata)
        {
            return;
        }

        var annotationsPath = $"{path}.metadata.annotations";
        AutoscalingAnnotations.Validate(metadata.Annotations, policy.Autoscaling, annotationsPath, errors);
        foreach (var key in metadata.Annotations?.Keys ?? [])
        {
            if (key.StartsWith("networking.knative.dev", StringComparison.Ordinal) && !NetworkingAnnotations.Contains(key))
            {
                errors.InvalidKey(key, annotationsPath);
            }
        }

        Name(metadata, parent, path, errors);
        QueueSidecar(metadata.Annotations, annotationsPath, errors);
        MetadataValidation.WholeSeconds(
            AutoscalingAnnotations.Find(metadata.Annotations, ServingKeys.ProgressDeadline), "progress-deadline", annotationsPath, errors);
    }

    /// <summary>A template that brings its own name must change it whenever it changes anything: Revisions are immutable.</summary>
    public static void NameChange(RevisionTemplate old, RevisionTemplate template, FieldErrors errors)
    {
        var name = template.Metadata?.Name;
        if (!string.IsNullOrEmpty(name) && name == old.Metadata?.Name && !Authors.Same(old, template))
        {
            errors.Add(
                "Saw the following changes without a name change (-old +new)", "spec.template.metadata.name", JsonDiff.Of(old, template));
        }
    }

    private static void Name(V1ObjectMeta metadata, V1ObjectMeta parent, string path, FieldErrors errors)
    {
        if (!string.IsNullOrEmpty(metadata.GenerateName) && DnsNames.Check1035Label(metadata.GenerateName, isPrefix: true) is { } badPrefix)
        {
            errors.Invalid($"not a DNS 1035 label prefix: [{badPrefix}]", $"{path}.metadata.generateName");
            return;
        }

        var name = metadata.Name ?? "";
        if (name.Length == 0)
        {
            return;
        }

        if (DnsNames.Check1035Label(name) is { } badName)
        {
            errors.Invalid($"not a DNS 1035 label: [{badName}]", $"{path}.metadata.name");
        }
        else if (string.IsNullOrEmpty(parent.Name) && !string.IsNullOrEmpty(parent.GenerateName))
        {
            errors.Disallowed($"{path}.metadata.name");
        }
        else if (!name.StartsWith($"{parent.Name}-", StringComparison.Ordinal))
        {
            errors.Invalid($"\"{name}\" must have prefix \"{parent.Name}-\"", $"{path}.metadata.name");
        }
    }

    private static void QueueSidecar(IDictionary<string, string>? annotations, string path, FieldErrors errors)
    {
        var (key, percentage) = AutoscalingAnnotations.Find(
            annotations, ServingKeys.QueueSidecarResourcePercentage, ServingKeys.QueueSidecarResourcePercentageAlt);
        if (percentage is not null)
        {
            errors.Warn(
                "Queue proxy resource percentage annotation is deprecated. Please use the available annotations to explicitly set " +
                "resource values per service", $"{path}[{key}]");
            if (!double.TryParse(percentage, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            {
                errors.Invalid(percentage, $"{path}[{key}]");
            }
            else if (value is < 0.1 or > 100)
            {
                errors.OutOfBounds(value, 0.1, 100, $"{path}[{key}]");
            }
        }

        foreach (var name in QuantityNames)
        {
            var (quantityKey, quantity) = AutoscalingAnnotations.Find(annotations, ServingKeys.QueueSidecarPrefix + name);
            if (quantity is not null && !Quantities.TryParse(quantity, out _))
            {
                errors.Invalid(quantity, $"{path}[{quantityKey}]");
            }
        }
    }
}
