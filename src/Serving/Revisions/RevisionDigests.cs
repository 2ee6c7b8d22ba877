using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;
using Knet.Serving.Config;

namespace Knet.Serving.Revisions;

/// <summary>Pins a Revision's images to digests, once (serving.md 8.1).</summary>
internal static class RevisionDigests
{
    /// <param name="isDone">False while a tag is not resolved; the status then says why.</param>
    public static RevisionStatus Resolve(KnRevision revision, RevisionStatus status, IView view, DeploymentConfig config, out bool isDone)
    {
        var containers = Of(revision, revision.Spec.Containers, status.ContainerStatuses, view, config);
        var initContainers = Of(revision, revision.Spec.InitContainers ?? [], status.InitContainerStatuses, view, config);
        var all = containers.Concat(initContainers).ToList();
        isDone = all.TrueForAll(c => c.Failure is null && c.Digest is not null);
        if (!isDone)
        {
            var result = status.Unknown(RevisionStatus.ResourcesAvailable, RevisionStatus.ResolvingDigests);
            var failed = all.Find(c => c.Failure is not null);
            return failed is null ? result : result.ImageMissing(failed.Container.Image, failed.Failure!);
        }

        return status with
        {
            ContainerStatuses = [.. containers.Select(Status)],
            InitContainerStatuses = initContainers.Count == 0 ? null : [.. initContainers.Select(Status)],
        };
    }

    private static List<Resolution> Of(
        KnRevision revision, List<V1Container> containers, List<ContainerStatus>? known, IView view, DeploymentConfig config)
    {
        var result = new List<Resolution>(containers.Count);
        for (var i = 0; i < containers.Count; i++)
        {
            var container = containers[i];
            var reference = ImageReference.TryParse(container.Image);
            if (known?.Count == containers.Count)
            {
                result.Add(new Resolution(container, known[i].ImageDigest ?? "", null));
            }
            else if (reference is null)
            {
                result.Add(new Resolution(container, null, "the image reference cannot be parsed"));
            }
            else if (reference.Digest.Length > 0)
            {
                result.Add(new Resolution(container, $"{reference.Context}@{reference.Digest}", null));
            }
            else if (config.RegistriesSkippingTagResolving.Contains(reference.Registry))
            {
                result.Add(new Resolution(container, "", null));
            }
            else
            {
                result.Add(Ask(revision, container, view));
            }
        }

        return result;
    }

    private static Resolution Ask(KnRevision revision, V1Container container, IView view)
    {
        var secrets = string.Join(',', (revision.Spec.ImagePullSecrets ?? []).Select(s => s.Name));
        var query = new DigestQuery(
            revision.Metadata.NamespaceProperty, container.Image, revision.Spec.ServiceAccountName ?? "", secrets);
        return view.Fact<DigestQuery, string>(query) switch
        {
            Fact<string>.Known known => new Resolution(container, known.Value, null),
            Fact<string>.Failed failed => new Resolution(container, null, failed.Message),
            _ => new Resolution(container, null, null),
        };
    }

    private static ContainerStatus Status(Resolution resolution) => new()
    {
        Name = resolution.Container.Name,
        ImageDigest = string.IsNullOrEmpty(resolution.Digest) ? null : resolution.Digest,
    };

    /// <param name="Digest">Null while unknown; empty where resolving is skipped.</param>
    private sealed record Resolution(V1Container Container, string? Digest, string? Failure);
}
