using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;

namespace Knet.Serving.PodAutoscalers;

/// <summary>The objects that a PodAutoscaler makes, all of its own name.</summary>
internal static class Children
{
    private const long NanosecondsPerTick = 100;

    public static KnServerlessService ServerlessService(KnPodAutoscaler pa, string mode, int activators) => new()
    {
        Metadata = Owned(pa),
        Spec = new ServerlessServiceSpec
        {
            Mode = mode,
            NumActivators = activators,
            ObjectRef = pa.Spec.ScaleTargetRef,
            ProtocolType = pa.Spec.ProtocolType,
        },
    };

    /// <param name="privateService">
    /// Where upstream's collector scrapes; nowhere when the activator sees every request (burst capacity -1).
    /// </param>
    public static KnMetric Metric(KnPodAutoscaler pa, ScalingSettings settings, string privateService) => new()
    {
        Metadata = Owned(pa),
        Spec = new MetricSpec
        {
            StableWindow = settings.StableWindow.Ticks * NanosecondsPerTick,
            PanicWindow = settings.PanicWindow.Ticks * NanosecondsPerTick,
            ScrapeTarget = settings.TargetBurstCapacity == -1 ? "" : privateService,
        },
    };

    public static V1ObjectMeta Owned(KnPodAutoscaler pa) => new()
    {
        Name = pa.Metadata.Name,
        NamespaceProperty = pa.Metadata.NamespaceProperty,
        Labels = pa.Metadata.Labels is null ? null : new Dictionary<string, string>(pa.Metadata.Labels),
        Annotations = pa.Metadata.Annotations is null ? null : new Dictionary<string, string>(pa.Metadata.Annotations),
        OwnerReferences = [OwnerReferences.Of(pa.Metadata, ResourceType.Of<KnPodAutoscaler>())],
    };
}

/// <summary>References from children to the objects that control them.</summary>
internal static class OwnerReferences
{
    public static V1OwnerReference Of(V1ObjectMeta owner, ResourceType type) => new()
    {
        ApiVersion = type.ApiVersion,
        Kind = type.Kind,
        Name = owner.Name,
        Uid = owner.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };
}
