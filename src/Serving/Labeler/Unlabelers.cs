using k8s;
using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;

namespace Knet.Serving.Labeler;

/// <summary>
/// Takes from a Revision the Routes that no longer use it, and puts it in reserve when none is left. Working from the Revision, not from
/// the Route as
/// upstream does, it needs no finalizer on Routes and no search through a namespace.
/// </summary>
public sealed class RevisionUnlabeler : IReconciler<KnRevision, RevisionStatus>
{
    public Plan<RevisionStatus> Reconcile(KnRevision resource, IView view) => new(null)
    {
        Steps = Unlabeling.Of(resource, view, (route, name) =>
            RouteTargets.Of(route, view).Revisions.Contains(name) || RouteTargets.IsAwaited(resource, route, view)) is { } step
            ? [step]
            : [],
    };
}

/// <summary>Takes from a Configuration the Routes that no longer use it.</summary>
public sealed class ConfigurationUnlabeler : IReconciler<KnConfiguration, ConfigurationStatus>
{
    public Plan<ConfigurationStatus> Reconcile(KnConfiguration resource, IView view) => new(null)
    {
        Steps = Unlabeling.Of(resource, view, (route, name) => RouteTargets.Of(route, view).Configurations.Contains(name)) is { } step
            ? [step]
            : [],
    };
}

internal static class Unlabeling
{
    public static PlanStep? Of<T>(T target, IView view, Func<KnRoute, string, bool> isUsed) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var metadata = target.Metadata;
        var named = RouteList.Of(metadata.Annotations);
        if (target.IsDeleting() || named.Count == 0)
        {
            return null;
        }

        var kept = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var name in named)
        {
            var route = view.Get<KnRoute>(metadata.NamespaceProperty, name);
            if (route is null)
            {
                // A Service makes its Configuration before its Route: what it has announced is on its way.
                if (metadata.Labels.Find(ServingKeys.Service) == name)
                {
                    kept.Add(name);
                }
            }
            else if (isUsed(route, metadata.Name) || !(route.IsReady() || route.IsFailed()))
            {
                // While a Route is between two states nothing is taken away.
                kept.Add(name);
            }
        }

        return kept.Count == named.Count ? null : RoutePatches.For(target, kept, view.Now);
    }
}
