using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Configurations;
using Knet.Serving.Objects;

namespace Knet.Serving.Labeler;

/// <summary>Which Revisions and Configurations a Route uses, by what it wants and by what it has (serving.md 10).</summary>
internal static class RouteTargets
{
    /// <summary>Names of Revisions, among them the newest one of each Configuration whose latest is wanted; and of
    /// Configurations.</summary>
    public static (SortedSet<string> Revisions, SortedSet<string> Configurations) Of(KnRoute route, IView view)
    {
        var revisions = new SortedSet<string>(StringComparer.Ordinal);
        var configurations = new SortedSet<string>(StringComparer.Ordinal);
        var ns = route.Metadata.NamespaceProperty;
        foreach (var target in (route.Spec.Traffic ?? []).Concat(route.Status.Traffic ?? []))
        {
            if (!string.IsNullOrEmpty(target.ConfigurationName))
            {
                configurations.Add(target.ConfigurationName);
                AddLatest(view.Get<KnConfiguration>(ns, target.ConfigurationName), revisions);
            }

            if (string.IsNullOrEmpty(target.RevisionName))
            {
                continue;
            }

            revisions.Add(target.RevisionName);
            if (view.Get<KnRevision>(ns, target.RevisionName)?.Metadata.Labels.Find(ServingKeys.Configuration) is { Length: > 0 } owner)
            {
                configurations.Add(owner);
            }
        }

        return (revisions, configurations);
    }

    /// <summary>Whether the Route will use this Revision once it is ready: it is newer than what the Configuration has reported.</summary>
    public static bool IsAwaited(KnRevision revision, KnRoute route, IView view)
    {
        var name = revision.Metadata.Labels.Find(ServingKeys.Configuration) ?? "";
        return (route.Spec.Traffic ?? []).Any(t => t.ConfigurationName == name) &&
            view.Get<KnConfiguration>(revision.Metadata.NamespaceProperty, name) is { } configuration &&
            ConfigurationRevision.GenerationOf(revision) == (configuration.Metadata.Generation ?? 0);
    }

    private static void AddLatest(KnConfiguration? configuration, SortedSet<string> revisions)
    {
        if (!string.IsNullOrEmpty(configuration?.Status.LatestCreatedRevisionName))
        {
            revisions.Add(configuration.Status.LatestCreatedRevisionName);
        }
    }
}
