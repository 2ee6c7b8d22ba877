using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Admission;
using Knet.Kube.Config;
using Knet.Serving.Config;
using Knet.Serving.Revisions;

namespace Knet.Serving.Webhook;

/// <summary>
/// A dry run of a Service or of a Configuration of its own also tries the pod that would come of it, so that a user learns at once what
/// would otherwise fail later (serving.md 5.3).
/// </summary>
internal static class TemplateDryRun
{
    /// <summary>The name is this and a suffix.</summary>
    internal const string NamePrefix = "dry-run-validation";

    public static bool Covers(AdmissionRequest request, V1ObjectMeta metadata) =>
        request.DryRun && metadata.Labels?.ContainsKey(ServingKeys.Service) != true;

    public static V1Pod PodOf(RevisionTemplate template, string ns, ServingPolicy policy, IConfigSource config)
    {
        var metadata = new V1ObjectMeta { GenerateName = NamePrefix, NamespaceProperty = ns };
        var revision = new KnRevision { Metadata = metadata, Spec = template.Spec }.WithDefaults(policy, null);
        var settings = new RevisionConfig(
            config.Get<DeploymentConfig>(), policy.Features, config.Get<ObservabilityConfig>(), config.Get<NetworkConfig>(),
            policy.Autoscaling);
        return new V1Pod
        {
            ApiVersion = "v1", Kind = "Pod", Metadata = metadata,
            Spec = RevisionPod.For(revision, new RevisionStatus(), settings),
        };
    }

    public static AdmissionResponse Refused(string why) => ServingAdmission.Refused(
        "validation.webhook.serving.knative.dev", $"validation callback failed: dry run failed with {why}: spec.template");
}
