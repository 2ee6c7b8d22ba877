using System.Text.Json;
using k8s.Models;
using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Api.Meta;
using Knet.Eventing.Config;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Kube.Config;

namespace Knet.Eventing.Webhook;

/// <summary>
/// Defaults and checks the objects of Eventing and its ConfigMaps, with the texts of upstream's webhooks. Pure but for the configuration
/// snapshots; status writes pass untouched.
/// </summary>
public sealed class EventingAdmission(IConfigSource config) : IAdmissionPlugin
{
    private const string Defaulting = "webhook.eventing.knative.dev";
    private const string Validation = "validation.webhook.eventing.knative.dev";
    private const string ConfigValidation = "config.webhook.eventing.knative.dev";

    private static readonly Dictionary<string, Action<IReadOnlyDictionary<string, string>>> ConfigMaps = new(StringComparer.Ordinal)
    {
        [EventingFeaturesMap.Kind.Name] = static data => EventingFeaturesMap.Parse(data),
        [BrokerDefaultsMap.Kind.Name] = static data => BrokerDefaultsMap.Parse(data),
        [ChannelDefaultsMap.Kind.Name] = static data => ChannelDefaultsMap.Parse(data),
    };

    public bool Handles(ResourceType type, string subresource, KubeVerb operation) =>
        subresource.Length == 0 && operation is KubeVerb.Create or KubeVerb.Update or KubeVerb.Patch
        && (type is { Group: "", Plural: "configmaps" } || EventingKinds.All.ContainsKey((type.Group, type.Plural)));

    public AdmissionResponse Mutate(AdmissionRequest request)
    {
        if (!EventingKinds.All.TryGetValue((request.Type.Group, request.Type.Plural), out var rules))
        {
            return AdmissionResponse.Allowed;
        }

        try
        {
            return rules.Mutate(request, Policy(request)) is { } mutated ? new AdmissionResponse(mutated) : AdmissionResponse.Allowed;
        }
        catch (JsonException e)
        {
            return Refused(Defaulting, $"mutation failed: cannot decode incoming new object: {Explain(e)}");
        }
    }

    public AdmissionResponse Validate(AdmissionRequest request)
    {
        if (!EventingKinds.All.TryGetValue((request.Type.Group, request.Type.Plural), out var rules))
        {
            return ValidateConfigMap(request);
        }

        var errors = new FieldErrors();
        try
        {
            rules.Validate(request, Policy(request), errors);
        }
        catch (JsonException e)
        {
            return Refused(Validation, $"decoding request failed: cannot decode incoming new object: {Explain(e)}");
        }

        return errors.IsEmpty
            ? AdmissionResponse.Allowed with { Warnings = errors.Warnings }
            : Refused(Validation, $"validation failed: {errors}");
    }

    private static AdmissionResponse ValidateConfigMap(AdmissionRequest request)
    {
        if (request.Key.Namespace != EventingKeys.SystemNamespace)
        {
            return AdmissionResponse.Allowed;
        }

        var map = request.Object!.As<V1ConfigMap>();
        if (ConfigExample.FindEdit(map) is { } edit)
        {
            return Refused(ConfigValidation, $"validation failed: {edit}");
        }

        try
        {
            if (ConfigMaps.TryGetValue(request.Key.Name, out var parse))
            {
                parse(map.Data is null ? new Dictionary<string, string>() : new Dictionary<string, string>(map.Data));
            }

            return AdmissionResponse.Allowed;
        }
        catch (FormatException e)
        {
            return Refused(ConfigValidation, $"validation failed: {e.Message}");
        }
    }

    private static AdmissionResponse Refused(string webhook, string why) =>
        new(Denied: $"admission webhook \"{webhook}\" denied the request: {why}");

    private EventingPolicy Policy(AdmissionRequest request) => new()
    {
        Features = config.Get<EventingFeatures>(),
        Brokers = config.Get<BrokerDefaults>(),
        Channels = config.Get<ChannelDefaults>(),
        User = request.User.Name,
    };

    private static string Explain(JsonException e) => string.IsNullOrEmpty(e.Path)
        ? e.Message
        : $"field {e.Path.TrimStart('$').TrimStart('.')} has a value of the wrong type";
}
