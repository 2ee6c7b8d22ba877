using System.Collections.Immutable;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.Serving.ServerlessServices;

/// <summary>
/// Gives a Revision its two Services: the private one, which Kubernetes points at the pods, and the public one, whose endpoints are the
/// pods or the activators (serving.md 11).
/// </summary>
/// <param name="systemNamespace">Where <c>activator-service</c> lives.</param>
internal sealed class ServerlessServiceReconciler(string systemNamespace) : IReconciler<KnServerlessService, ServerlessServiceStatus>
{
    public const string EndpointsPopulated = "EndpointsPopulated";
    public const string ActivatorEndpointsPopulated = "ActivatorEndpointsPopulated";
    public const string ActivatorService = "activator-service";

    private const string Serve = "Serve";
    private static readonly ConditionSet Conditions = new(EndpointsPopulated);

    public Plan<ServerlessServiceStatus> Reconcile(KnServerlessService resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new Plan<ServerlessServiceStatus>(null);
        }

        var (ns, name) = (resource.Metadata.NamespaceProperty, resource.Metadata.Name);
        var privateName = ChildNames.For(name, "-private");
        var conditions = Conditions.Begin(resource.Status.Conditions, resource.Status.ObservedGeneration, resource.Metadata.Generation);
        var deployment = view.Get<V1Deployment>(ns, resource.Spec.ObjectRef?.Name ?? "");
        if (deployment?.Spec.Selector?.MatchLabels is not { } selector)
        {
            conditions = Conditions.MarkUnknown(
                conditions, EndpointsPopulated, "CreatingPrivateService", "the scale target does not exist yet");
            return Finish(resource, resource.Status, conditions, view.Now);
        }

        var pods = view.Get<V1Endpoints>(ns, privateName);
        var activators = view.Get<V1Endpoints>(systemNamespace, ActivatorService);
        var hasPods = RevisionEndpoints.HasReady(pods);
        var hasActivators = RevisionEndpoints.HasReady(activators);
        var serve = !hasActivators || (resource.Spec.Mode == Serve && hasPods);
        var source = serve ? pods : RevisionEndpoints.Choose(activators!, resource.Spec.NumActivators ?? 0, name);

        conditions = hasPods
            ? Conditions.MarkTrue(conditions, EndpointsPopulated)
            : Conditions.MarkUnknown(conditions, EndpointsPopulated, "NoHealthyBackends", "K8s Service is not ready");
        conditions = serve
            ? Conditions.MarkFalse(conditions, ActivatorEndpointsPopulated, "ActivatorEndpointsRemoved", null)
            : Conditions.MarkTrue(conditions, ActivatorEndpointsPopulated);
        var status = resource.Status with { ServiceName = name, PrivateServiceName = privateName };
        return Finish(resource, status, conditions, view.Now) with
        {
            Steps =
            [
                PlanStep.Apply(RevisionServices.Private(resource, privateName, selector)),
                PlanStep.Apply(RevisionServices.Public(resource)),
                PlanStep.Apply(RevisionEndpoints.Public(resource, source)),
            ],
            OnFailure = (step, error) => OnFailure(resource, step, error, view.Now),
        };
    }

    private static ServerlessServiceStatus OnFailure(KnServerlessService sks, PlanStep step, KubeException error, DateTimeOffset now)
    {
        var conditions = Conditions.Begin(sks.Status.Conditions, sks.Status.ObservedGeneration, sks.Metadata.Generation);
        conditions = error.Reason == "NotOwned"
            ? Conditions.MarkFalse(
                conditions, EndpointsPopulated, "NotOwned", $"Resource {step.Key.Name} of type {step.Type.Kind} is not owned by SKS")
            : Conditions.MarkUnknown(conditions, EndpointsPopulated, ReasonOf(sks, step), error.Message);
        return Finish(sks, sks.Status, conditions, now).Status!;
    }

    private static string ReasonOf(KnServerlessService sks, PlanStep step) => step.Type.Kind == "Endpoints"
        ? "CreatingPublicEndpoints"
        : step.Key.Name == sks.Metadata.Name ? "CreatingPublicService" : "CreatingPrivateService";

    private static Plan<ServerlessServiceStatus> Finish(
        KnServerlessService sks, ServerlessServiceStatus status, List<KnCondition> conditions, DateTimeOffset now) =>
        new(status with
        {
            ObservedGeneration = sks.Metadata.Generation,
            Conditions = ConditionSet.Stamp(sks.Status.Conditions, conditions, now),
        });
}
