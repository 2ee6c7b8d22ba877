using System.Collections.Immutable;
using k8s;
using k8s.Models;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;

namespace Knet.Serving.Labeler;

/// <summary>Marks what a Route uses. What it no longer uses is noticed by the used object itself (<see
/// cref="RevisionUnlabeler"/>).</summary>
public sealed class RouteLabeler : IReconciler<KnRoute, RouteStatus>
{
    public Plan<RouteStatus> Reconcile(KnRoute resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<RouteStatus>(null);
        }

        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        var (revisions, configurations) = RouteTargets.Of(resource, view);
        foreach (var name in revisions)
        {
            Mark(view.Get<KnRevision>(resource.Metadata.NamespaceProperty, name), resource, view, steps);
        }

        foreach (var name in configurations)
        {
            Mark(view.Get<KnConfiguration>(resource.Metadata.NamespaceProperty, name), resource, view, steps);
        }

        return new Plan<RouteStatus>(null) { Steps = steps.ToImmutable() };
    }

    private static void Mark<T>(T? target, KnRoute route, IView view, ImmutableArray<PlanStep>.Builder steps)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (target is null || target.IsDeleting())
        {
            return;
        }

        var routes = RouteList.Of(target.Metadata.Annotations);
        routes.Add(route.Metadata.Name);
        if (RoutePatches.For(target, routes, view.Now) is { } step)
        {
            steps.Add(step);
        }
    }
}
