namespace Knet.Api.Serving.Config;

/// <summary>How far a feature is open.</summary>
public enum FeatureFlag
{
    /// <summary>Refused.</summary>
    Disabled,

    /// <summary>Accepted when a user asks for it.</summary>
    Allowed,

    /// <summary>On.</summary>
    Enabled,

    /// <summary>secure-pod-defaults only: secure defaults, but root stays possible.</summary>
    AllowRootBounded,
}

/// <summary>ConfigMap <c>config-features</c>. Names of the keys stand in <see cref="FeatureKeys"/>.</summary>
public sealed record FeaturesConfig
{
    public FeatureFlag MultiContainer { get; init; } = FeatureFlag.Enabled;
    public FeatureFlag MultiContainerProbing { get; init; }
    public FeatureFlag SecurePodDefaults { get; init; }
    public FeatureFlag TagHeaderBasedRouting { get; init; }
    public FeatureFlag AutoDetectHttp2 { get; init; }
    public FeatureFlag QueueProxyMountPodInfo { get; init; }
    public FeatureFlag QueueProxyResourceDefaults { get; init; }
    public FeatureFlag AddCapabilities { get; init; }
    public FeatureFlag Affinity { get; init; }
    public FeatureFlag TopologySpreadConstraints { get; init; }
    public FeatureFlag HostAliases { get; init; }
    public FeatureFlag NodeSelector { get; init; }
    public FeatureFlag Tolerations { get; init; }
    public FeatureFlag FieldRef { get; init; }
    public FeatureFlag RuntimeClassName { get; init; }
    public FeatureFlag DnsPolicy { get; init; }
    public FeatureFlag DnsConfig { get; init; }
    public FeatureFlag SecurityContext { get; init; }
    public FeatureFlag ShareProcessNamespace { get; init; }
    public FeatureFlag HostIpc { get; init; }
    public FeatureFlag HostPid { get; init; }
    public FeatureFlag HostNetwork { get; init; }
    public FeatureFlag PriorityClassName { get; init; }
    public FeatureFlag SchedulerName { get; init; }
    public FeatureFlag InitContainers { get; init; }
    public FeatureFlag PersistentVolumeClaim { get; init; }
    public FeatureFlag PersistentVolumeWrite { get; init; }
    public FeatureFlag EmptyDirVolumes { get; init; } = FeatureFlag.Enabled;
    public FeatureFlag ImageVolumes { get; init; }
    public FeatureFlag HostPathVolumes { get; init; }
    public FeatureFlag EphemeralVolumes { get; init; }
    public FeatureFlag CsiVolumes { get; init; }
    public FeatureFlag MountPropagation { get; init; }

    /// <summary>Secure defaults of either strength are on.</summary>
    public bool HasSecureDefaults => SecurePodDefaults is FeatureFlag.Enabled or FeatureFlag.AllowRootBounded;
}

/// <summary>The keys of <c>config-features</c>, for parsing and for hints in refusals.</summary>
public static class FeatureKeys
{
    public const string MultiContainer = "multi-container";
    public const string MultiContainerProbing = "multi-container-probing";
    public const string SecurePodDefaults = "secure-pod-defaults";
    public const string TagHeaderBasedRouting = "tag-header-based-routing";
    public const string AutoDetectHttp2 = "autodetect-http2";
    public const string QueueProxyMountPodInfo = "queueproxy.mount-podinfo";
    public const string QueueProxyResourceDefaults = "queueproxy.resource-defaults";
    public const string AddCapabilities = "kubernetes.containerspec-addcapabilities";
    public const string Affinity = "kubernetes.podspec-affinity";
    public const string TopologySpreadConstraints = "kubernetes.podspec-topologyspreadconstraints";
    public const string HostAliases = "kubernetes.podspec-hostaliases";
    public const string NodeSelector = "kubernetes.podspec-nodeselector";
    public const string Tolerations = "kubernetes.podspec-tolerations";
    public const string FieldRef = "kubernetes.podspec-fieldref";
    public const string RuntimeClassName = "kubernetes.podspec-runtimeclassname";
    public const string DnsPolicy = "kubernetes.podspec-dnspolicy";
    public const string DnsConfig = "kubernetes.podspec-dnsconfig";
    public const string SecurityContext = "kubernetes.podspec-securitycontext";
    public const string ShareProcessNamespace = "kubernetes.podspec-shareprocessnamespace";
    public const string HostIpc = "kubernetes.podspec-hostipc";
    public const string HostPid = "kubernetes.podspec-hostpid";
    public const string HostNetwork = "kubernetes.podspec-hostnetwork";
    public const string PriorityClassName = "kubernetes.podspec-priorityclassname";
    public const string SchedulerName = "kubernetes.podspec-schedulername";
    public const string InitContainers = "kubernetes.podspec-init-containers";
    public const string PersistentVolumeClaim = "kubernetes.podspec-persistent-volume-claim";
    public const string PersistentVolumeWrite = "kubernetes.podspec-persistent-volume-write";
    public const string EmptyDirVolumes = "kubernetes.podspec-volumes-emptydir";
    public const string ImageVolumes = "kubernetes.podspec-volumes-image";
    public const string HostPathVolumes = "kubernetes.podspec-volumes-hostpath";
    public const string EphemeralVolumes = "kubernetes.podspec-volumes-ephemeral";
    public const string CsiVolumes = "kubernetes.podspec-volumes-csi";
    public const string MountPropagation = "kubernetes.podspec-volumes-mount-propagation";
}
