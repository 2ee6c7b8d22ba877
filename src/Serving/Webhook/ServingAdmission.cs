using System.Text.Json;
using k8s;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Kube.Config;

namespace Knet.Serving.Webhook;

/// <summary>
/// Defaults and checks the objects of Serving and its ConfigMaps, with the texts of upstream's webhooks. Pure but for the configuration
/// snapshots;
/// status writes pass untouched.
/// </summary>
/// <param name="config">The ConfigMaps' snapshots.</param>
/// <param name="tryPod">What the API says of a pod in a dry run, or null when it takes it. Null: dry runs do not try pods.</param>
public sealed class ServingAdmission(IConfigSource config, Func<V1Pod, string?>? tryPod = null) : IAdmissionPlugin
{
    private const string Defaulting = "webhook.serving.knative.dev";
    private const string Validation = "validation.webhook.serving.knative.dev";

    public bool Handles(ResourceType type, string subresource, KubeVerb operation)
    {
        if (subresource.Length > 0 || operation is not (KubeVerb.Create or KubeVerb.Update or KubeVerb.Patch))
        {
            return false;
        }

        return type.Group switch
        {
            "serving.knative.dev" => type.Plural is "services" or "configurations" or "revisions" or "routes" or "domainmappings",
            "networking.internal.knative.dev" => type.Plural == "ingresses",
            "autoscaling.internal.knative.dev" => type.Plural == "podautoscalers",
            "" => type.Plural == "configmaps",
            _ => false,
        };
    }

    public AdmissionResponse Mutate(AdmissionRequest request)
    {
        if (request.Type.Group != ServingKeys.Group || LegacyShapes.Convert(request.Type.Kind, request.Object!) is not { } converted)
        {
            return Defaulted(request);
        }

        if (converted.Denied is not null)
        {
            return converted;
        }

        var response = Defaulted(request with { Object = converted.Mutated });
        return response with { Mutated = response.Mutated ?? converted.Mutated, Warnings = [.. converted.Warnings, .. response.Warnings] };
    }

    private AdmissionResponse Defaulted(AdmissionRequest request)
    {
        try
        {
            return request.Type.Kind switch
            {
                "Service" => Mutated<KnService>(request, (value, old, policy) => value.WithDefaults(policy, old, request.User.Name)),
                "Configuration" => Mutated<KnConfiguration>(
                    request, (value, old, policy) => value.WithDefaults(policy, old, request.User.Name)),
                "Revision" => Mutated<KnRevision>(request, static (value, old, policy) => value.WithDefaults(policy, old)),
                "Route" => Mutated<KnRoute>(request, (value, old, _) => value.WithDefaults(old, request.User.Name)),
                "DomainMapping" => Mutated<KnDomainMapping>(request, (value, old, _) => value.WithDefaults(old, request.User.Name)),
                "Ingress" => Mutated<KnIngress>(request, static (value, _, _) => IngressAdmission.WithDefaults(value)),
                _ => AdmissionResponse.Allowed,
            };
        }
        catch (JsonException e)
        {
            var cause = QuantityFields.FindWrong(request.Object!.Json) ?? Explain(e);
            return Refused(Defaulting, $"mutation failed: cannot decode incoming new object: {cause}");
        }
    }

    public AdmissionResponse Validate(AdmissionRequest request)
    {
        if (request.Type.Plural == "configmaps")
        {
            return ConfigMapAdmission.Validate(request);
        }

        var errors = new FieldErrors();
        try
        {
            switch (request.Type.Kind)
            {
                case "Service":
                    Checked<KnService>(request, (value, old, policy) => value.Validate(policy, old, errors));
                    break;
                case "Configuration":
                    Checked<KnConfiguration>(request, (value, old, policy) => value.Validate(policy, old, errors));
                    break;
                case "Revision":
                    Checked<KnRevision>(request, (value, old, policy) => value.Validate(policy, old, errors));
                    break;
                case "Route":
                    Checked<KnRoute>(request, (value, old, _) => value.Validate(old, errors));
                    break;
                case "DomainMapping":
                    Checked<KnDomainMapping>(request, (value, old, _) => value.Validate(old, errors));
                    break;
                case "Ingress":
                    Checked<KnIngress>(request, (value, _, _) => IngressAdmission.Validate(value, errors));
                    break;
                case "PodAutoscaler":
                    Checked<KnPodAutoscaler>(request, (value, _, policy) => AutoscalingAnnotations.Validate(
                        value.Metadata.Annotations, policy.Autoscaling, "metadata.annotations", errors));
                    break;
            }
        }
        catch (JsonException e)
        {
            return Refused(Validation, $"decoding request failed: cannot decode incoming new object: {Explain(e)}");
        }

        return !errors.IsEmpty ? Refused(Validation, $"validation failed: {errors}")
            : TryPod(request) is { } why ? TemplateDryRun.Refused(why)
            : AdmissionResponse.Allowed with { Warnings = errors.Warnings };
    }

    internal static AdmissionResponse Refused(string webhook, string why) =>
        new(Denied: $"admission webhook \"{webhook}\" denied the request: {why}");

    private AdmissionResponse Mutated<T>(AdmissionRequest request, Func<T, T?, ServingPolicy, T> defaulted)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var value = request.Object!.As<T>();
        var result = defaulted(value, request.OldObject?.As<T>(), Policy());
        return ReferenceEquals(value, result) ? AdmissionResponse.Allowed : new AdmissionResponse(KubeDocument.From(result));
    }

    private void Checked<T>(AdmissionRequest request, Action<T, T?, ServingPolicy> check)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        check(request.Object!.As<T>(), request.OldObject?.As<T>(), Policy());

    private string? TryPod(AdmissionRequest request)
    {
        var (metadata, template) = request.Type.Kind switch
        {
            _ when tryPod is null || !request.DryRun => default,
            "Service" when request.Object!.As<KnService>() is var service => (service.Metadata, service.Spec.Template),
            "Configuration" when request.Object!.As<KnConfiguration>() is var configuration =>
                (configuration.Metadata, configuration.Spec.Template),
            _ => default,
        };
        return metadata is not null && TemplateDryRun.Covers(request, metadata)
            ? tryPod!(TemplateDryRun.PodOf(template, request.Key.Namespace, Policy(), config))
            : null;
    }

    private ServingPolicy Policy() => new()
    {
        Defaults = config.Get<DefaultsConfig>(),
        Features = config.Get<FeaturesConfig>(),
        Autoscaling = config.Get<AutoscalingLimits>(),
    };

    // "The JSON value could not be converted to System.Int64. Path: $.spec.x | LineNumber: …" says where, in .NET's words: only the place
    // helps.
    private static string Explain(JsonException e) => string.IsNullOrEmpty(e.Path)
        ? e.Message
        : $"field {e.Path.TrimStart('$').TrimStart('.')} has a value of the wrong type";
}
