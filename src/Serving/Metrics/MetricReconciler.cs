using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Kube.Controllers;

namespace Knet.Serving.Metrics;

/// <summary>
/// Says that a Revision's traffic is collected. Collecting itself follows the decider's questions, and the data plane counts every request,
/// so a Metric that exists is ready.
/// </summary>
internal sealed class MetricReconciler : IReconciler<KnMetric, MetricStatus>
{
    private static readonly ConditionSet Conditions = new();

    public Plan<MetricStatus> Reconcile(KnMetric resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new Plan<MetricStatus>(null);
        }

        var conditions = Conditions.Begin(resource.Status.Conditions, resource.Status.ObservedGeneration, resource.Metadata.Generation);
        conditions = Conditions.MarkTrue(conditions, ConditionSet.Ready);
        return new Plan<MetricStatus>(resource.Status with
        {
            ObservedGeneration = resource.Metadata.Generation,
            Conditions = ConditionSet.Stamp(resource.Status.Conditions, conditions, view.Now),
        });
    }
}
