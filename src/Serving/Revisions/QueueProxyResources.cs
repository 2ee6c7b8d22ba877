using System.Globalization;
using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>How much CPU and memory the sidecar asks for: configuration, then a share of the user's container, then annotations.</summary>
internal static class QueueProxyResources
{
    private const decimal Mebi = 1024 * 1024;

    public static V1ResourceRequirements For(KnRevision revision, RevisionConfig config)
    {
        var deployment = config.Deployment;
        var hasDefaults = config.Features.QueueProxyResourceDefaults == FeatureFlag.Enabled;
        var requests = new SortedDictionary<string, ResourceQuantity>(StringComparer.Ordinal);
        var limits = new SortedDictionary<string, ResourceQuantity>(StringComparer.Ordinal);
        Set(requests, "cpu", deployment.QueueSidecarCpuRequest);
        Set(requests, "memory", deployment.QueueSidecarMemoryRequest ?? (hasDefaults ? "400Mi" : null));
        Set(requests, "ephemeral-storage", deployment.QueueSidecarEphemeralStorageRequest);
        Set(limits, "cpu", deployment.QueueSidecarCpuLimit ?? (hasDefaults ? "1000m" : null));
        Set(limits, "memory", deployment.QueueSidecarMemoryLimit ?? (hasDefaults ? "800Mi" : null));
        Set(limits, "ephemeral-storage", deployment.QueueSidecarEphemeralStorageLimit);

        var annotations = revision.Metadata.Annotations;
        Share(annotations, RevisionMeta.ServingContainer(revision.Spec).Resources, requests, limits);
        foreach (var resource in new[] { "cpu", "memory", "ephemeral-storage" })
        {
            Set(requests, resource, annotations.Find($"{ServingKeys.QueueSidecarPrefix}{resource}-resource-request"));
            Set(limits, resource, annotations.Find($"{ServingKeys.QueueSidecarPrefix}{resource}-resource-limit"));
        }

        return new V1ResourceRequirements { Requests = requests.Count == 0 ? null : requests, Limits = limits.Count == 0 ? null : limits };
    }

    private static void Set(IDictionary<string, ResourceQuantity> map, string resource, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            map[resource] = new ResourceQuantity(value);
        }
    }

    private static void Share(
        IDictionary<string, string>? annotations, V1ResourceRequirements? user, IDictionary<string, ResourceQuantity> requests,
        IDictionary<string, ResourceQuantity> limits)
    {
        var text = annotations.Find(ServingKeys.QueueSidecarResourcePercentage) ??
            annotations.Find(ServingKeys.QueueSidecarResourcePercentageAlt);
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var percent))
        {
            return;
        }

        void Clamp(
            IDictionary<string, ResourceQuantity>? from, IDictionary<string, ResourceQuantity> to, string resource, decimal low, decimal high)
        {
            if (from is not null && from.TryGetValue(resource, out var value))
            {
                var share = Math.Clamp((decimal)value * percent / 100, low, high);
                var isCpu = resource == "cpu";
                to[resource] = new ResourceQuantity(
                    isCpu
                        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(share * 1000):0}m")
                        : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(share):0}"));
            }
        }

        Clamp(user?.Requests, requests, "cpu", 0.025m, 0.1m);
        Clamp(user?.Limits, limits, "cpu", 0.04m, 0.5m);
        Clamp(user?.Requests, requests, "memory", 50 * Mebi, 200 * Mebi);
        Clamp(user?.Limits, limits, "memory", 200 * Mebi, 500 * Mebi);
    }
}
