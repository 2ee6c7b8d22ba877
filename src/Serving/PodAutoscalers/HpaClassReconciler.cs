using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Kube.Controllers;
using Knet.Serving.Autoscaler;
using Knet.Serving.Objects;

namespace Knet.Serving.PodAutoscalers;

/// <summary>Leaves the scale of a Revision to a HorizontalPodAutoscaler (class HPA; serving.md 12.4): never zero, always in service.</summary>
internal sealed class HpaClassReconciler : IReconciler<KnPodAutoscaler, PodAutoscalerStatus>
{
    private static readonly ConditionSet Conditions = new(
        PodAutoscalerReconciler.Active, PodAutoscalerReconciler.ScaleTargetInitialized, PodAutoscalerReconciler.SksReady);

    public Plan<PodAutoscalerStatus> Reconcile(KnPodAutoscaler resource, IView view)
    {
        var settings = new ScalingSettings(resource, view.Config<AutoscalerConfig>());
        if (resource.IsDeleting() || settings.Class != AutoscalingKeys.HpaClass)
        {
            return new Plan<PodAutoscalerStatus>(null);
        }

        var (ns, name) = (resource.Metadata.NamespaceProperty, resource.Metadata.Name);
        var status = resource.Status with
        {
            Conditions = Conditions.Begin(resource.Status.Conditions, resource.Status.ObservedGeneration, resource.Metadata.Generation),
            ObservedGeneration = resource.Metadata.Generation,
        };
        var scaler = view.Get<V2HorizontalPodAutoscaler>(ns, name);
        if (scaler is not null && !scaler.Metadata.IsControlledBy(resource.Metadata))
        {
            var message = $"There is an existing HorizontalPodAutoscaler \"{name}\" that we do not own.";
            return Finish(
                resource, status with { Conditions = Conditions.MarkFalse(status.Conditions, PodAutoscalerReconciler.Active, "NotOwned", message) },
                view);
        }

        status = Describe(status, settings, scaler, view.Get<KnServerlessService>(ns, name));
        return Finish(resource, status, view) with
        {
            Steps =
            [
                PlanStep.Apply(ClassicAutoscaler.For(resource, settings)),

                // No activators means all of them.
                PlanStep.Ensure(Children.ServerlessService(resource, PodAutoscalerReconciler.Serve, 0)),
            ],
        };
    }

    private static PodAutoscalerStatus Describe(
        PodAutoscalerStatus status, ScalingSettings settings, V2HorizontalPodAutoscaler? scaler, KnServerlessService? sks)
    {
        var (replicas, conditions) = (scaler?.Status?.CurrentReplicas ?? 0, status.Conditions);
        if (sks is null || !ConditionSet.IsTrue(sks.Status.Conditions))
        {
            conditions = Conditions.MarkUnknown(
                conditions, PodAutoscalerReconciler.SksReady, "NotReady", "SKS Services are not ready yet");
        }
        else
        {
            conditions = Conditions.MarkTrue(conditions, PodAutoscalerReconciler.SksReady);
            if (replicas >= Math.Max(settings.MinScale, settings.InitialScale))
            {
                conditions = Conditions.MarkTrue(conditions, PodAutoscalerReconciler.ScaleTargetInitialized);
            }
        }

        return status with
        {
            Conditions = Conditions.MarkTrue(conditions, PodAutoscalerReconciler.Active),
            ServiceName = sks?.Status.ServiceName,
            MetricsServiceName = sks?.Status.PrivateServiceName,
            DesiredScale = scaler?.Status?.DesiredReplicas ?? 0,
            ActualScale = replicas,
        };
    }

    private static Plan<PodAutoscalerStatus> Finish(KnPodAutoscaler pa, PodAutoscalerStatus status, IView view) =>
        new(status with { Conditions = ConditionSet.Stamp(pa.Status.Conditions, status.Conditions!, view.Now) });
}
