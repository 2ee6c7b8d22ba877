using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

/// <summary>What a Revision may say of its pod (serving.md 5.2 and 5.3).</summary>
internal static class PodValidation
{
    public const long HighestId = int.MaxValue;

    public static void Validate(RevisionSpec spec, ServingPolicy policy, string path, FieldErrors errors)
    {
        Mask(spec, policy.Features, path, errors);
        SecurityContext(spec.SecurityContext, $"{path}.securityContext", errors);
        SecurityWarnings.Of(spec, policy.Features, path, errors);
        var volumes = VolumeValidation.Validate(spec, policy.Features, path, errors);
        var context = new ContainerContext(policy.Features, volumes, errors);
        InitContainers(spec, context, path);
        Containers(spec, context, path);
        if (!string.IsNullOrEmpty(spec.ServiceAccountName) && DnsNames.Check1123Subdomain(spec.ServiceAccountName) is { } problem)
        {
            errors.Invalid(spec.ServiceAccountName, $"{path}.serviceAccountName", problem);
        }

        Numbers(spec, policy.Defaults, path, errors);
    }

    /// <summary>How to switch a feature on, for the end of a refusal.</summary>
    public static string Hint(string feature) =>
        $"to allow it, set {feature}: \"enabled\" in the ConfigMap config-features of namespace knative-serving";

    private static void Numbers(RevisionSpec spec, DefaultsConfig defaults, string path, FieldErrors errors)
    {
        if (spec.TimeoutSeconds is { } timeout && (timeout < 0 || timeout > defaults.MaxRevisionTimeoutSeconds))
        {
            errors.OutOfBounds(timeout, 0, defaults.MaxRevisionTimeoutSeconds, $"{path}.timeoutSeconds");
        }

        var lowest = defaults.AllowContainerConcurrencyZero ? 0 : 1;
        if (spec.ContainerConcurrency is { } concurrency &&
            (concurrency < lowest || concurrency > defaults.ContainerConcurrencyMaxLimit))
        {
            errors.OutOfBounds(concurrency, lowest, defaults.ContainerConcurrencyMaxLimit, $"{path}.containerConcurrency");
        }
    }

    private static void Mask(RevisionSpec spec, FeaturesConfig features, string path, FieldErrors errors)
    {
        void Guard(bool isSet, FeatureFlag flag, string field, string feature)
        {
            if (isSet && flag == FeatureFlag.Disabled)
            {
                errors.Add("must not set the field(s)", $"{path}.{field}", Hint(feature));
            }
        }

        if (spec.AutomountServiceAccountToken == true)
        {
            errors.Disallowed($"{path}.automountServiceAccountToken");
        }

        Guard(spec.Affinity is not null, features.Affinity, "affinity", FeatureKeys.Affinity);
        Guard(
            spec.TopologySpreadConstraints is { Count: > 0 }, features.TopologySpreadConstraints, "topologySpreadConstraints",
            FeatureKeys.TopologySpreadConstraints);
        Guard(spec.HostAliases is { Count: > 0 }, features.HostAliases, "hostAliases", FeatureKeys.HostAliases);
        Guard(spec.NodeSelector is { Count: > 0 }, features.NodeSelector, "nodeSelector", FeatureKeys.NodeSelector);
        Guard(spec.RuntimeClassName is not null, features.RuntimeClassName, "runtimeClassName", FeatureKeys.RuntimeClassName);
        Guard(spec.Tolerations is { Count: > 0 }, features.Tolerations, "tolerations", FeatureKeys.Tolerations);
        Guard(
            spec.SecurityContext is not null && !features.HasSecureDefaults, features.SecurityContext, "securityContext",
            FeatureKeys.SecurityContext);
        Guard(
            spec.ShareProcessNamespace is not null, features.ShareProcessNamespace, "shareProcessNamespace",
            FeatureKeys.ShareProcessNamespace);
        Guard(
            !string.IsNullOrEmpty(spec.PriorityClassName), features.PriorityClassName, "priorityClassName",
            FeatureKeys.PriorityClassName);
        Guard(!string.IsNullOrEmpty(spec.SchedulerName), features.SchedulerName, "schedulerName", FeatureKeys.SchedulerName);
        Guard(spec.InitContainers is { Count: > 0 }, features.InitContainers, "initContainers", FeatureKeys.InitContainers);
        Guard(!string.IsNullOrEmpty(spec.DnsPolicy), features.DnsPolicy, "dnsPolicy", FeatureKeys.DnsPolicy);
        Guard(spec.DnsConfig is not null, features.DnsConfig, "dnsConfig", FeatureKeys.DnsConfig);
        Guard(spec.HostIpc == true, features.HostIpc, "hostIPC", FeatureKeys.HostIpc);
        Guard(spec.HostPid == true, features.HostPid, "hostPID", FeatureKeys.HostPid);
        Guard(spec.HostNetwork == true, features.HostNetwork, "hostNetwork", FeatureKeys.HostNetwork);
    }

    private static void SecurityContext(V1PodSecurityContext? context, string path, FieldErrors errors)
    {
        if (context is null)
        {
            return;
        }

        void Disallow(bool isSet, string field)
        {
            if (isSet)
            {
                errors.Disallowed($"{path}.{field}");
            }
        }

        Disallow(context.SeLinuxOptions is not null, "seLinuxOptions");
        Disallow(context.WindowsOptions is not null, "windowsOptions");
        Disallow(context.Sysctls is { Count: > 0 }, "sysctls");
        Disallow(context.FsGroupChangePolicy is not null, "fsGroupChangePolicy");
        Disallow(context.AppArmorProfile is not null, "appArmorProfile");
        Disallow(context.SupplementalGroupsPolicy is not null, "supplementalGroupsPolicy");
        Disallow(context.SeLinuxChangePolicy is not null, "seLinuxChangePolicy");
        Id(context.RunAsUser, $"{path}.runAsUser", errors);
        Id(context.RunAsGroup, $"{path}.runAsGroup", errors);
        Id(context.FsGroup, $"{path}.fsGroup", errors);
        for (var i = 0; i < (context.SupplementalGroups?.Count ?? 0); i++)
        {
            Id(context.SupplementalGroups![i], $"{path}.supplementalGroups[{i}]", errors);
        }
    }

    public static void Id(long? id, string path, FieldErrors errors)
    {
        if (id is < 0 or > HighestId)
        {
            errors.OutOfBounds(id.Value, 0, HighestId, path);
        }
    }

    private static void InitContainers(RevisionSpec spec, ContainerContext context, string path)
    {
        if (spec.InitContainers is not { Count: > 0 } containers)
        {
            return;
        }

        if (context.Features.InitContainers != FeatureFlag.Enabled)
        {
            context.Errors.Add(
                $"pod spec support for init-containers is off, but found {containers.Count} init containers", path,
                Hint(FeatureKeys.InitContainers));
            return;
        }

        var names = spec.Containers.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < containers.Count; i++)
        {
            if (!string.IsNullOrEmpty(containers[i].Name) && !names.Add(containers[i].Name))
            {
                context.Errors.Add($"duplicate container name \"{containers[i].Name}\"", $"{path}.initContainers[{i}].name");
            }

            ContainerValidation.Validate(containers[i], ContainerRole.Init, null, context, $"{path}.initContainers[{i}]");
        }
    }

    private static void Containers(RevisionSpec spec, ContainerContext context, string path)
    {
        var errors = context.Errors;
        var ports = spec.Containers.Sum(c => c.Ports?.Count ?? 0);
        if (ports > 1)
        {
            errors.Add(
                "more than one container port is set", $"{path}.containers[*].ports",
                "Only a single port is allowed across all containers");
        }
        else if (ports == 0 && spec.Containers.Count > 1)
        {
            errors.Missing($"{path}.containers[*].ports");
        }

        if (spec.Containers.Count == 0)
        {
            errors.Missing($"{path}.containers");
            return;
        }

        if (spec.Containers.Count > 1 && context.Features.MultiContainer != FeatureFlag.Enabled)
        {
            errors.Add($"multi-container is off, but found {spec.Containers.Count} containers", path, Hint(FeatureKeys.MultiContainer));
            return;
        }

        var servingPort = spec.Containers.LastOrDefault(c => c.Ports is { Count: > 0 })?.Ports[0];
        var portName = string.IsNullOrEmpty(servingPort?.Name) ? "http" : servingPort.Name;
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < spec.Containers.Count; i++)
        {
            var container = spec.Containers[i];
            if (!string.IsNullOrEmpty(container.Name) && !names.Add(container.Name))
            {
                errors.Add($"duplicate container name \"{container.Name}\"", $"{path}.containers[{i}].name");
            }

            var isServing = spec.Containers.Count == 1 || container.Ports is { Count: > 0 };
            ContainerValidation.Validate(
                container, isServing ? ContainerRole.Serving : ContainerRole.Sidecar, portName, context, $"{path}.containers[{i}]");
        }
    }
}

/// <summary>Kubernetes defaults that a later Knative may make safer: warnings, which kubectl prints.</summary>
internal static class SecurityWarnings
{
    private const string Message = "Kubernetes default value is insecure, Knative may default this to secure in a future release";

    public static void Of(RevisionSpec spec, FeaturesConfig features, string path, FieldErrors errors)
    {
        if (features.HasSecureDefaults)
        {
            return;
        }

        for (var i = 0; i < spec.Containers.Count; i++)
        {
            Of(spec.Containers[i].SecurityContext, spec.SecurityContext, $"{path}.containers[{i}].securityContext", errors);
        }

        for (var i = 0; i < (spec.InitContainers?.Count ?? 0); i++)
        {
            Of(spec.InitContainers![i].SecurityContext, spec.SecurityContext, $"{path}.initContainers[{i}].securityContext", errors);
        }
    }

    private static void Of(V1SecurityContext? context, V1PodSecurityContext? pod, string path, FieldErrors errors)
    {
        if (pod?.RunAsNonRoot is null && context?.RunAsNonRoot is null)
        {
            errors.Warn(Message, $"{path}.runAsNonRoot");
        }

        if (context?.AllowPrivilegeEscalation is null)
        {
            errors.Warn(Message, $"{path}.allowPrivilegeEscalation");
        }

        if (context?.SeccompProfile is null && pod?.SeccompProfile is null)
        {
            errors.Warn(Message, $"{path}.seccompProfile");
        }
        else if (string.IsNullOrEmpty(context?.SeccompProfile?.Type) && string.IsNullOrEmpty(pod?.SeccompProfile?.Type))
        {
            errors.Warn(Message, $"{path}.seccompProfile.type");
        }

        if (context?.Capabilities is null)
        {
            errors.Warn(Message, $"{path}.capabilities");
        }
        else if (context.Capabilities.Drop is null)
        {
            errors.Warn(Message, $"{path}.capabilities.drop");
        }
    }
}
