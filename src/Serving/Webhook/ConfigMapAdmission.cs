using k8s.Models;
using Knet.Kube.Admission;
using Knet.Kube.Config;
using Knet.Serving.Autoscaler;
using Knet.Serving.Config;

namespace Knet.Serving.Webhook;

/// <summary>Refuses values that Serving's ConfigMaps cannot have, and edits of their example block.</summary>
internal static class ConfigMapAdmission
{
    private const string Webhook = "config.webhook.serving.knative.dev";

    private static readonly Dictionary<string, Action<IReadOnlyDictionary<string, string>>> Parsers = new(StringComparer.Ordinal)
    {
        [DefaultsConfigMap.Kind.Name] = static data => DefaultsConfigMap.Parse(data),
        [FeaturesConfigMap.Kind.Name] = static data => FeaturesConfigMap.Parse(data),
        [DeploymentConfig.Kind.Name] = static data => DeploymentConfig.Parse(data),
        [DomainConfig.Kind.Name] = static data => DomainConfig.Parse(data),
        [GcConfig.Kind.Name] = static data => GcConfig.Parse(data),
        [NetworkConfig.Kind.Name] = static data => NetworkConfig.Parse(data),
        [ObservabilityConfig.Kind.Name] = static data => ObservabilityConfig.Parse(data),
        [AutoscalerConfig.Kind.Name] = static data =>
        {
            AutoscalerConfig.Kind.Parse(data);
            AutoscalingLimitsConfigMap.Parse(data);
        },
    };

    public static AdmissionResponse Validate(AdmissionRequest request)
    {
        if (request.Key.Namespace != DefaultConfigMaps.SystemNamespace || !Parsers.TryGetValue(request.Key.Name, out var parse))
        {
            return AdmissionResponse.Allowed;
        }

        var map = request.Object!.As<V1ConfigMap>();
        var data = map.Data is null ? new Dictionary<string, string>() : new Dictionary<string, string>(map.Data);
        if (ConfigExample.FindEdit(map) is { } edit)
        {
            return Refused(edit);
        }

        try
        {
            parse(data);
            return AdmissionResponse.Allowed;
        }
        catch (FormatException e)
        {
            return Refused(e.Message);
        }
    }

    private static AdmissionResponse Refused(string why) => ServingAdmission.Refused(Webhook, $"validation failed: {why}");
}
