using System.Globalization;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Api.Serving;
using Knet.Serving.Objects;
using k8s.Models;

namespace Knet.Serving.Revisions;

/// <summary>The Deployment of a Revision (serving.md 8.2).</summary>
internal static class RevisionDeployment
{
    /// <summary>
    /// Without replicas: those stand in the body of the creation only, later they are the autoscaler's. The label of the hash says
    /// whether an existing Deployment was made from the same.
    /// </summary>
    public static V1Deployment For(KnRevision revision, RevisionStatus status, RevisionConfig config)
    {
        var labels = RevisionMeta.Labels(revision);
        var annotations = RevisionMeta.Annotations(revision, withAutoscaling: false);
        var serving = RevisionMeta.ServingContainer(revision.Spec);
        var deployment = new V1Deployment
        {
            ApiVersion = "apps/v1",
            Kind = "Deployment",
            Metadata = new V1ObjectMeta
            {
                Name = RevisionMeta.DeploymentName(revision),
                NamespaceProperty = revision.Metadata.NamespaceProperty,
                Labels = labels,
                Annotations = annotations,
                OwnerReferences = [Ownership.By(revision)],
            },
            Spec = new V1DeploymentSpec
            {
                Selector = new V1LabelSelector
                {
                    MatchLabels = new Dictionary<string, string> { [ServingKeys.RevisionUid] = revision.Metadata.Uid },
                },
                ProgressDeadlineSeconds = ProgressDeadline(revision, config),
                RevisionHistoryLimit = 0,
                Strategy = new V1DeploymentStrategy
                {
                    Type = "RollingUpdate",
                    RollingUpdate = new V1RollingUpdateDeployment { MaxUnavailable = 0 },
                },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta
                    {
                        Labels = labels,
                        Annotations = Maps.Keep(annotations)
                            .With(ServingKeys.DefaultContainer, annotations.Find(ServingKeys.DefaultContainer) ?? serving.Name),
                    },
                    Spec = RevisionPod.For(revision, status, config),
                },
            },
        };
        deployment.Metadata.Labels = Maps.Keep(labels).With(ServingKeys.DeploymentHash, Hash(deployment));
        return deployment;
    }

    /// <summary>Instances at the start: the annotation, else the configuration.</summary>
    public static int InitialScale(KnRevision revision, AutoscalingLimits limits)
    {
        var text = revision.Metadata.Annotations.Find(AutoscalingKeys.InitialScale) ??
            revision.Metadata.Annotations.Find(AutoscalingKeys.InitialScaleAlt);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var scale) &&
            (scale > 0 || limits.AllowZeroInitialScale)
            ? scale
            : limits.InitialScale;
    }

    private static int ProgressDeadline(KnRevision revision, RevisionConfig config) =>
        GoDuration.TryParse(revision.Metadata.Annotations.Find(ServingKeys.ProgressDeadline), out var deadline) && deadline > TimeSpan.Zero
            ? (int)deadline.TotalSeconds
            : (int)config.Deployment.ProgressDeadline.TotalSeconds;

    // FNV-1a over the JSON, in base 36, as upstream has it over Go's dump: the value is private to the controller.
    private static string Hash(V1Deployment deployment)
    {
        var hash = Fnv.Hash32(KubeJson.Serialize(deployment));
        Span<char> digits = stackalloc char[7];
        var at = digits.Length;
        do
        {
            digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)(hash % 36)];
            hash /= 36;
        }
        while (hash != 0);

        return digits[at..].ToString();
    }
}
