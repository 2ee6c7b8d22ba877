using Knet.Api.Serving.Config;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>Reads <c>config-features</c>.</summary>
public static class FeaturesConfigMap
{
    public static ConfigKind<FeaturesConfig> Kind { get; } = new("config-features", Parse);

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static FeaturesConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        FeatureFlag Of(string key, FeatureFlag fallback = FeatureFlag.Disabled) => Read(read, key, fallback);
        return new FeaturesConfig
        {
            MultiContainer = Of(FeatureKeys.MultiContainer, FeatureFlag.Enabled),
            MultiContainerProbing = Of(FeatureKeys.MultiContainerProbing),
            SecurePodDefaults = Of(FeatureKeys.SecurePodDefaults),
            TagHeaderBasedRouting = Of(FeatureKeys.TagHeaderBasedRouting),
            AutoDetectHttp2 = Of(FeatureKeys.AutoDetectHttp2),
            QueueProxyMountPodInfo = Of(FeatureKeys.QueueProxyMountPodInfo),
            QueueProxyResourceDefaults = Of(FeatureKeys.QueueProxyResourceDefaults),
            AddCapabilities = Of(FeatureKeys.AddCapabilities),
            Affinity = Of(FeatureKeys.Affinity),
            TopologySpreadConstraints = Of(FeatureKeys.TopologySpreadConstraints),
            HostAliases = Of(FeatureKeys.HostAliases),
            NodeSelector = Of(FeatureKeys.NodeSelector),
            Tolerations = Of(FeatureKeys.Tolerations),
            FieldRef = Of(FeatureKeys.FieldRef),
            RuntimeClassName = Of(FeatureKeys.RuntimeClassName),
            DnsPolicy = Of(FeatureKeys.DnsPolicy),
            DnsConfig = Of(FeatureKeys.DnsConfig),
            SecurityContext = Of(FeatureKeys.SecurityContext),
            ShareProcessNamespace = Of(FeatureKeys.ShareProcessNamespace),
            HostIpc = Of(FeatureKeys.HostIpc),
            HostPid = Of(FeatureKeys.HostPid),
            HostNetwork = Of(FeatureKeys.HostNetwork),
            PriorityClassName = Of(FeatureKeys.PriorityClassName),
            SchedulerName = Of(FeatureKeys.SchedulerName),
            InitContainers = Of(FeatureKeys.InitContainers),
            PersistentVolumeClaim = Of(FeatureKeys.PersistentVolumeClaim),
            PersistentVolumeWrite = Of(FeatureKeys.PersistentVolumeWrite),
            EmptyDirVolumes = Of(FeatureKeys.EmptyDirVolumes, FeatureFlag.Enabled),
            ImageVolumes = Of(FeatureKeys.ImageVolumes),
            HostPathVolumes = Of(FeatureKeys.HostPathVolumes),
            EphemeralVolumes = Of(FeatureKeys.EphemeralVolumes),
            CsiVolumes = Of(FeatureKeys.CsiVolumes),
            MountPropagation = Of(FeatureKeys.MountPropagation),
        };
    }

    private static FeatureFlag Read(ConfigReader read, string key, FeatureFlag fallback)
    {
        var words = key == FeatureKeys.SecurePodDefaults
            ? new[] { "enabled", "allowed", "disabled", "allowrootbounded" }
            : ["enabled", "allowed", "disabled"];
        return read.Find(key) is not { Length: > 0 }
            ? fallback
            : Enum.Parse<FeatureFlag>(read.Choice(key, "disabled", null, words), ignoreCase: true);
    }
}
