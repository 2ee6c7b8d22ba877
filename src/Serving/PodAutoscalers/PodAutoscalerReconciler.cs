using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;
using Knet.Serving.Autoscaler;

namespace Knet.Serving.PodAutoscalers;

/// <summary>Scales a Revision by its traffic (class KPA; serving.md 12.3).</summary>
internal sealed class PodAutoscalerReconciler : IReconciler<KnPodAutoscaler, PodAutoscalerStatus>
{
    public const string Active = "Active";
    public const string ScaleTargetInitialized = "ScaleTargetInitialized";
    public const string SksReady = "SKSReady";
    public const string ActivatorEndpointsPopulated = "ActivatorEndpointsPopulated";
    public const string Serve = "Serve";
    public const string Proxy = "Proxy";
    public const int ActivatorsMin = 2;

    private const string NoTraffic = "NoTraffic";
    private const string NoTrafficMessage = "The target is not receiving traffic.";
    private static readonly ConditionSet Conditions = new(Active, ScaleTargetInitialized, SksReady);

    public Plan<PodAutoscalerStatus> Reconcile(KnPodAutoscaler resource, IView view)
    {
        var config = view.Config<AutoscalerConfig>();
        var settings = new ScalingSettings(resource, config);
        if (resource.Metadata.DeletionTimestamp is not null || settings.Class != AutoscalingKeys.KpaClass)
        {
            return new Plan<PodAutoscalerStatus>(null);
        }

        var (ns, name) = (resource.Metadata.NamespaceProperty, resource.Metadata.Name);
        var ready = ReadyPods(resource, view);
        var status = resource.Status with
        {
            Conditions = Conditions.Begin(resource.Status.Conditions, resource.Status.ObservedGeneration, resource.Metadata.Generation),
            ObservedGeneration = resource.Metadata.Generation,
        };

        var sks = view.Get<KnServerlessService>(ns, name);
        if (sks is null || string.IsNullOrEmpty(sks.Status.PrivateServiceName))
        {
            status = status with
            {
                Conditions = Conditions.MarkUnknown(status.Conditions, SksReady, "NotReady", "No Private Service Name"),
            };
            status = Describe(status, settings, ScaleRule.Unknown, ready);
            return Finish(resource, status, view.Now) with
            {
                Steps = [PlanStep.Ensure(Children.ServerlessService(resource, Proxy, ActivatorsMin))],
            };
        }

        var spec = settings.ToDeciderSpec();
        var decision = view.Fact<DeciderQuery, ScaleDecision>(new DeciderQuery(ns, name, spec, ready)) is Fact<ScaleDecision>.Known known
            ? known.Value
            : ScaleDecision.Initial(spec);
        var inPath = view.Fact<ActivatorInPath, bool>(new ActivatorInPath(ns, name));
        var outcome = ScaleRule.Apply(resource, sks, decision.DesiredScale, settings, config, new Situation(view.Now, inPath));
        var inactive = ConditionSet.IsFalse(resource.Status.Conditions, Active);
        var proxy = outcome.Want == 0 || decision.ExcessBurstCapacity < 0 || (outcome.Want == ScaleRule.Unknown && inactive);

        status = status with { MetricsServiceName = sks.Status.PrivateServiceName, ServiceName = sks.Status.ServiceName };
        status = status with
        {
            Conditions = ConditionSet.IsTrue(sks.Status.Conditions)
                ? Conditions.MarkTrue(status.Conditions, SksReady)
                : Conditions.MarkUnknown(
                    status.Conditions, SksReady, "NotReady", ConditionSet.Find(sks.Status.Conditions, ConditionSet.Ready)?.Message),
        };
        status = Describe(status, settings, outcome.Want, ready);
        return Finish(resource, status, view.Now) with
        {
            // The scale comes first: requests are waiting for it.
            Steps =
            [
                .. ScaleSteps(resource, view, outcome),
                PlanStep.Ensure(
                    Children.ServerlessService(resource, proxy ? Proxy : Serve, settings.ActivatorsFor(ready, spec.TotalValue))),
                PlanStep.Ensure(Children.Metric(resource, settings, sks.Status.PrivateServiceName)),
            ],
            RequeueAfter = outcome.RequeueAfter,
        };
    }

    /// <summary>Pods that are running, ready and not on their way out.</summary>
    internal static int ReadyPods(KnPodAutoscaler pa, IView view)
    {
        var revision = pa.Metadata.Labels is { } labels && labels.TryGetValue(ServingKeys.Revision, out var label)
            ? label
            : pa.Metadata.Name;
        return view.Labelled<V1Pod>(pa.Metadata.NamespaceProperty, ServingKeys.Revision, revision).Count(IsReady);
    }

    private static bool IsReady(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null && pod.Status?.Phase == "Running" &&
        pod.Status.Conditions?.Any(c => c.Type == "Ready" && c.Status == "True") == true;

    private static ImmutableArray<PlanStep> ScaleSteps(KnPodAutoscaler pa, IView view, ScaleOutcome outcome)
    {
        var (ns, target) = (pa.Metadata.NamespaceProperty, pa.Spec.ScaleTargetRef?.Name ?? "");
        if (outcome.Replicas is not { } replicas || view.Get<V1Deployment>(ns, target) is not { } deployment ||
            (deployment.Spec.Replicas ?? 1) == replicas)
        {
            return [];
        }

        var patch = string.Create(CultureInfo.InvariantCulture, $"[{{\"op\":\"add\",\"path\":\"/spec/replicas\",\"value\":{replicas}}}]");
        return [PlanStep.Patch<V1Deployment>(ns, target, PatchKind.Json, Encoding.UTF8.GetBytes(patch), "scale")];
    }

    private static PodAutoscalerStatus Describe(PodAutoscalerStatus status, ScalingSettings settings, int want, int ready)
    {
        var initialized = ConditionSet.IsTrue(status.Conditions, ScaleTargetInitialized);
        var enough = Math.Max(settings.MinScale, initialized ? 1 : settings.InitialScale);
        var conditions = status.Conditions;
        if (ready >= enough && !string.IsNullOrEmpty(status.ServiceName))
        {
            conditions = Conditions.MarkTrue(conditions, ScaleTargetInitialized);
        }

        return status with
        {
            Conditions = DescribeActivity(conditions, want, ready, enough),
            ActualScale = ready,
            DesiredScale = want >= 0 ? want : status.DesiredScale,
        };
    }

    private static List<KnCondition> DescribeActivity(List<KnCondition>? conditions, int want, int ready, int enough)
    {
        var inactive = ConditionSet.IsFalse(conditions, Active);
        if (want == 0 || enough == 0)
        {
            var activating = ConditionSet.Find(conditions, Active)?.Status == ConditionSet.Unknown;
            return activating && enough > 0
                ? Conditions.MarkFalse(conditions, Active, "TimedOut", "The target could not be activated.")
                : Conditions.MarkFalse(conditions, Active, NoTraffic, NoTrafficMessage);
        }

        if (want < 0 && inactive)
        {
            return Conditions.MarkFalse(conditions, Active, NoTraffic, NoTrafficMessage);
        }

        return ready >= enough
            ? Conditions.MarkTrue(conditions, Active)
            : Conditions.MarkUnknown(
                conditions, Active, "Queued", "Requests to the target are being buffered as resources are provisioned.");
    }

    private static Plan<PodAutoscalerStatus> Finish(KnPodAutoscaler pa, PodAutoscalerStatus status, DateTimeOffset now) =>
        new(status with { Conditions = ConditionSet.Stamp(pa.Status.Conditions, status.Conditions, now) });
}
