namespace Knet.Api.Serving;

/// <summary>Labels and annotations of <c>serving.knative.dev</c>, spelt as upstream spells them.</summary>
public static class ServingKeys
{
    public const string Group = "serving.knative.dev";

    // Labels.
    public const string Service = "serving.knative.dev/service";
    public const string ServiceUid = "serving.knative.dev/serviceUID";
    public const string Configuration = "serving.knative.dev/configuration";
    public const string ConfigurationUid = "serving.knative.dev/configurationUID";
    public const string ConfigurationGeneration = "serving.knative.dev/configurationGeneration";
    public const string Revision = "serving.knative.dev/revision";
    public const string RevisionUid = "serving.knative.dev/revisionUID";
    public const string Route = "serving.knative.dev/route";
    public const string RouteNamespace = "serving.knative.dev/routeNamespace";
    public const string RoutingState = "serving.knative.dev/routingState";
    public const string DomainMappingUid = "serving.knative.dev/domainMappingUID";
    public const string DomainMappingNamespace = "serving.knative.dev/domainMappingNamespace";
    public const string DeploymentHash = "serving.knative.dev/deployment-hash";
    public const string App = "app";

    // Annotations.
    public const string RoutingStateModified = "serving.knative.dev/routingStateModified";
    public const string Routes = "serving.knative.dev/routes";
    public const string LastPinned = "serving.knative.dev/lastPinned";
    public const string NoGc = "serving.knative.dev/no-gc";
    public const string RolloutDuration = "serving.knative.dev/rollout-duration";
    public const string RolloutDurationAlt = "serving.knative.dev/rolloutDuration";
    public const string Creator = "serving.knative.dev/creator";
    public const string LastModifier = "serving.knative.dev/lastModifier";
    public const string ProgressDeadline = "serving.knative.dev/progress-deadline";
    public const string QueueSidecarPrefix = "queue.sidecar.serving.knative.dev/";
    public const string QueueSidecarResourcePercentage = "queue.sidecar.serving.knative.dev/resource-percentage";
    public const string QueueSidecarResourcePercentageAlt = "queue.sidecar.serving.knative.dev/resourcePercentage";
    public const string HttpFullDuplex = "features.knative.dev/http-full-duplex";
    public const string QueueProxyPodInfo = "features.knative.dev/queueproxy-podinfo";
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";
    public const string DefaultContainer = "kubectl.kubernetes.io/default-container";
    /// <summary>The finalizer that the labeler puts on Routes.</summary>
    public const string RoutesFinalizer = "routes.serving.knative.dev";

    // Values of routingState.
    public const string RoutingPending = "pending";
    public const string RoutingActive = "active";
    public const string RoutingReserve = "reserve";
}

/// <summary>Annotations of <c>autoscaling.knative.dev</c>; they stand on the revision template and on PodAutoscalers.</summary>
public static class AutoscalingKeys
{
    public const string Prefix = "autoscaling.knative.dev/";
    public const string Class = "autoscaling.knative.dev/class";
    public const string Metric = "autoscaling.knative.dev/metric";
    public const string Target = "autoscaling.knative.dev/target";
    public const string TargetUtilizationPercentage = "autoscaling.knative.dev/target-utilization-percentage";
    public const string TargetUtilizationPercentageAlt = "autoscaling.knative.dev/targetUtilizationPercentage";
    public const string TargetBurstCapacity = "autoscaling.knative.dev/target-burst-capacity";
    public const string TargetBurstCapacityAlt = "autoscaling.knative.dev/targetBurstCapacity";
    public const string MinScale = "autoscaling.knative.dev/min-scale";
    public const string MinScaleAlt = "autoscaling.knative.dev/minScale";
    public const string MaxScale = "autoscaling.knative.dev/max-scale";
    public const string MaxScaleAlt = "autoscaling.knative.dev/maxScale";
    public const string InitialScale = "autoscaling.knative.dev/initial-scale";
    public const string InitialScaleAlt = "autoscaling.knative.dev/initialScale";
    public const string ActivationScale = "autoscaling.knative.dev/activation-scale";
    public const string Window = "autoscaling.knative.dev/window";
    public const string PanicWindowPercentage = "autoscaling.knative.dev/panic-window-percentage";
    public const string PanicWindowPercentageAlt = "autoscaling.knative.dev/panicWindowPercentage";
    public const string PanicThresholdPercentage = "autoscaling.knative.dev/panic-threshold-percentage";
    public const string PanicThresholdPercentageAlt = "autoscaling.knative.dev/panicThresholdPercentage";
    public const string ScaleDownDelay = "autoscaling.knative.dev/scale-down-delay";
    public const string ScaleDownDelayAlt = "autoscaling.knative.dev/scaleDownDelay";
    public const string ScaleToZeroPodRetentionPeriod = "autoscaling.knative.dev/scale-to-zero-pod-retention-period";
    public const string ScaleToZeroPodRetentionPeriodAlt = "autoscaling.knative.dev/scaleToZeroPodRetentionPeriod";
    public const string MetricAggregationAlgorithm = "autoscaling.knative.dev/metric-aggregation-algorithm";
    public const string MetricAggregationAlgorithmAlt = "autoscaling.knative.dev/metricAggregationAlgorithm";
    public const string KpaClass = "kpa.autoscaling.knative.dev";
    public const string HpaClass = "hpa.autoscaling.knative.dev";
}

/// <summary>Labels and annotations of <c>networking.knative.dev</c> and <c>networking.internal.knative.dev</c>.</summary>
public static class NetworkingKeys
{
    public const string Visibility = "networking.knative.dev/visibility";
    public const string ClusterLocal = "cluster-local";
    public const string IngressClass = "networking.knative.dev/ingress.class";
    public const string IngressClassAlt = "networking.knative.dev/ingress-class";
    public const string CertificateClass = "networking.knative.dev/certificate.class";
    public const string CertificateClassAlt = "networking.knative.dev/certificate-class";
    public const string DisableExternalDomainTls = "networking.knative.dev/disable-external-domain-tls";
    public const string DisableAutoTls = "networking.knative.dev/disable-auto-tls";
    public const string DisableAutoTlsAlt = "networking.knative.dev/disableAutoTLS";
    public const string HttpOption = "networking.knative.dev/httpOption";
    public const string HttpOptionAlt = "networking.knative.dev/http-protocol";
    public const string Rollout = "networking.internal.knative.dev/rollout";
    public const string TagToHost = "networking.internal.knative.dev/tag-to-host";
    public const string ServerlessService = "networking.internal.knative.dev/serverlessservice";
    public const string ServiceType = "networking.internal.knative.dev/serviceType";

    /// <summary>Label of Secrets that hold a certificate: the uid of the Certificate.</summary>
    public const string CertificateUid = "networking.internal.knative.dev/certificate-uid";

    /// <summary>Label of Certificates: what their names are for.</summary>
    public const string CertificateType = "networking.knative.dev/certificate-type";

    public const string ExternalDomain = "external-domain";
    public const string ClusterLocalDomain = "cluster-local-domain";

    /// <summary>Label of ConfigMaps whose certificates programs may trust.</summary>
    public const string TrustBundle = "networking.knative.dev/trust-bundle";

    /// <summary>The class of the issuers inside knetd.</summary>
    public const string KnetCertificateClass = "knet.certificate.networking.knative.dev";

    /// <summary>The class of the gateway inside knetd.</summary>
    public const string KnetIngressClass = "knet.ingress.networking.knative.dev";
}

/// <summary>HTTP headers that the parts of Knative speak among themselves.</summary>
public static class KnHeaders
{
    public const string NetworkProbe = "K-Network-Probe";
    public const string NetworkHash = "K-Network-Hash";
    public const string ProxyRequest = "K-Proxy-Request";
    public const string OriginalHost = "K-Original-Host";
    public const string KubeletProbe = "K-Kubelet-Probe";
    public const string PassthroughLoadBalancing = "K-Passthrough-Lb";
    public const string Revision = "Knative-Serving-Revision";
    public const string Namespace = "Knative-Serving-Namespace";
    public const string Tag = "Knative-Serving-Tag";
    public const string DefaultRoute = "Knative-Serving-Default-Route";
}
