using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Networking.V1Alpha1;
using Knet.DataPlane.Stats;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Metrics;
using Knet.Serving.PodAutoscalers;
using Knet.Serving.ServerlessServices;

namespace Knet.Serving.Autoscaler;

/// <summary>What scaling needs of controllers: PodAutoscalers, Metrics and ServerlessServices.</summary>
public static class AutoscalerControllers
{
    /// <summary>
    /// Registers everything, before the host starts. <see cref="AutoscalerConfig.Kind"/> must be registered with the configuration.
    /// </summary>
    /// <param name="stats">Where traffic is counted.</param>
    /// <returns>The autoscaler itself; dispose it to end measuring.</returns>
    public static ScaleDecisions Register(
        ControllerHost host, KubeClient client, IRevisionStats stats, ColdStarts coldStarts, string systemNamespace = "knative-serving")
    {
        var decisions = new ScaleDecisions(stats, coldStarts, host.Time, host.Loggers);
        host.Facts.Add(decisions).Add(new FusedActivatorPath());
        host.Add("podautoscaler-controller", new PodAutoscalerReconciler(), client)
            .Reads<KnServerlessService>().Reads<V1Deployment>().Reads<V1Pod>().Reads<KnMetric>();
        host.Add("hpa-class-controller", new HpaClassReconciler(), client).Reads<KnServerlessService>().Reads<V2HorizontalPodAutoscaler>();
        host.Add("metric-controller", new MetricReconciler(), client);
        host.Add("serverlessservice-controller", new ServerlessServiceReconciler(systemNamespace), client)
            .Reads<V1Deployment>().Reads<V1Service>().Reads<V1Endpoints>();
        return decisions;
    }
}
