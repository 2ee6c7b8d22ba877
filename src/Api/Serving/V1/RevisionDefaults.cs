using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

/// <summary>What a Revision's specification gets when its author says nothing. Pure; applying it twice changes nothing more.</summary>
internal static class RevisionDefaults
{
    /// <param name="parent">The metadata that container-name templates may speak of.</param>
    public static RevisionSpec WithDefaults(this RevisionSpec spec, ServingPolicy policy, bool isCreate, V1ObjectMeta parent)
    {
        var defaults = policy.Defaults;
        var timeout = spec.TimeoutSeconds is null or 0 ? defaults.RevisionTimeoutSeconds : spec.TimeoutSeconds.Value;
        var result = spec with
        {
            TimeoutSeconds = timeout,
            IdleTimeoutSeconds = spec.IdleTimeoutSeconds ?? Below(timeout, defaults.RevisionIdleTimeoutSeconds),
            ResponseStartTimeoutSeconds = spec.ResponseStartTimeoutSeconds ?? Below(timeout, defaults.RevisionResponseStartTimeoutSeconds),
            ContainerConcurrency = spec.ContainerConcurrency ?? defaults.ContainerConcurrency,
            EnableServiceLinks = spec.EnableServiceLinks ?? (isCreate && spec.Containers.Count > 0 ? defaults.EnableServiceLinks : null),
        };
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var container in spec.Containers.Concat(spec.InitContainers ?? []))
        {
            names.Add(container.Name ?? "");
        }

        var containers = Named(spec.Containers, names, Render(defaults.ContainerNameTemplate, parent));
        var initContainers = spec.InitContainers is null
            ? null
            : Named(spec.InitContainers, names, Render(defaults.InitContainerNameTemplate, parent));
        var writable = WritableVolumes(spec);
        return result with
        {
            Containers = [.. containers.Select(c => WithDefaults(c, spec, policy, containers.Count == 1, writable))],
            InitContainers = initContainers is null
                ? null
                : [.. initContainers.Select(c => c with { SecurityContext = Secured(c, spec.SecurityContext, policy.Features) })],
        };
    }

    // Both limits are only worth a timer when they strike before the request's own timeout.
    private static long? Below(long timeout, long value) => value != 0 && value < timeout ? value : null;

    private static string Render(string template, V1ObjectMeta meta) =>
        template.Contains("{{", StringComparison.Ordinal)
            ? GoTemplate.Parse(template).Render(new Dictionary<string, object?>
            {
                ["Name"] = meta.Name ?? "",
                ["Namespace"] = meta.NamespaceProperty ?? "",
                ["GenerateName"] = meta.GenerateName ?? "",
                ["Labels"] = meta.Labels,
                ["Annotations"] = meta.Annotations,
            })
            : template;

    private static List<V1Container> Named(List<V1Container> containers, HashSet<string> taken, string name)
    {
        var result = new List<V1Container>(containers.Count);
        var suffix = 0;
        foreach (var container in containers)
        {
            if (!string.IsNullOrEmpty(container.Name))
            {
                result.Add(container);
                continue;
            }

            var chosen = name;
            if (containers.Count > 1 || taken.Contains(name))
            {
                do
                {
                    chosen = ChildNames.For(name, $"-{suffix++}");
                }
                while (taken.Contains(chosen));
            }

            result.Add(container with { Name = chosen });
        }

        return result;
    }

    private static HashSet<string> WritableVolumes(RevisionSpec spec)
    {
        var writable = new HashSet<string>(StringComparer.Ordinal);
        foreach (var volume in spec.Volumes ?? [])
        {
            if (volume.EmptyDir is not null || volume.PersistentVolumeClaim is not null || volume.Ephemeral is not null)
            {
                writable.Add(volume.Name ?? "");
            }
        }

        return writable;
    }

    private static V1Container WithDefaults(
        V1Container container, RevisionSpec spec, ServingPolicy policy, bool isOnly, HashSet<string> writable) =>
        container with
        {
            Resources = WithDefaults(container.Resources, policy.Defaults),
            ReadinessProbe = WithDefaults(container.ReadinessProbe, isOnly || container.Ports is { Count: > 0 }),
            LivenessProbe = WithService(container.LivenessProbe),
            StartupProbe = WithService(container.StartupProbe),
            VolumeMounts = container.VolumeMounts is null
                ? null
                : [.. container.VolumeMounts.Select(m => writable.Contains(m.Name ?? "") ? m : m with { ReadOnlyProperty = true })],
            SecurityContext = Secured(container, spec.SecurityContext, policy.Features),
        };

    private static V1ResourceRequirements WithDefaults(V1ResourceRequirements? resources, DefaultsConfig defaults) =>
        (resources ?? new V1ResourceRequirements()) with
        {
            Requests = Filled(
                resources?.Requests, defaults.RevisionCpuRequest, defaults.RevisionMemoryRequest, defaults.RevisionEphemeralStorageRequest),
            Limits = Filled(
                resources?.Limits, defaults.RevisionCpuLimit, defaults.RevisionMemoryLimit, defaults.RevisionEphemeralStorageLimit),
        };

    private static IDictionary<string, ResourceQuantity>? Filled(
        IDictionary<string, ResourceQuantity>? given, string? cpu, string? memory, string? storage)
    {
        var missing = new[] { ("cpu", cpu), ("memory", memory), ("ephemeral-storage", storage) }
            .Where(d => d.Item2 is not null && given?.ContainsKey(d.Item1) != true)
            .ToList();
        if (missing.Count == 0)
        {
            return given;
        }

        var result = given is null ? new Dictionary<string, ResourceQuantity>() : new Dictionary<string, ResourceQuantity>(given);
        foreach (var (name, value) in missing)
        {
            result[name] = new ResourceQuantity(value);
        }

        return result;
    }

    private static V1Probe? WithDefaults(V1Probe? probe, bool isServing)
    {
        if (probe is null && !isServing)
        {
            return null;
        }

        probe ??= new V1Probe();
        var hasHandler = probe.TcpSocket is not null || probe.HttpGet is not null || probe.Exec is not null || probe.Grpc is not null;
        if (isServing && !hasHandler)
        {
            probe = probe with { TcpSocket = new V1TCPSocketAction { Port = 0 } };
        }

        var hasPeriod = probe.PeriodSeconds is not (null or 0);
        return WithService(probe with
        {
            SuccessThreshold = probe.SuccessThreshold is null or 0 ? 1 : probe.SuccessThreshold,
            FailureThreshold = hasPeriod && probe.FailureThreshold is null or 0 ? 3 : probe.FailureThreshold,
            TimeoutSeconds = hasPeriod && probe.TimeoutSeconds is null or 0 ? 1 : probe.TimeoutSeconds,
        });
    }

    private static V1Probe? WithService(V1Probe? probe)
    {
        if (probe?.HttpGet is { Port: null } get)
        {
            probe = probe with { HttpGet = get with { Port = 0 } };
        }

        if (probe?.TcpSocket is { Port: null } socket)
        {
            probe = probe with { TcpSocket = socket with { Port = 0 } };
        }

        return probe?.Grpc is { Service: null } grpc ? probe with { Grpc = grpc with { Service = "" } } : probe;
    }

    private static V1SecurityContext? Secured(V1Container container, V1PodSecurityContext? pod, FeaturesConfig features)
    {
        if (!features.HasSecureDefaults)
        {
            return container.SecurityContext;
        }

        var result = container.SecurityContext ?? new V1SecurityContext();
        result = result with { AllowPrivilegeEscalation = result.AllowPrivilegeEscalation ?? false };
        if (string.IsNullOrEmpty(pod?.SeccompProfile?.Type) && string.IsNullOrEmpty(result.SeccompProfile?.Type))
        {
            result = result with { SeccompProfile = (result.SeccompProfile ?? new V1SeccompProfile()) with { Type = "RuntimeDefault" } };
        }

        if (result.Capabilities is null)
        {
            var needsLowPort = container.Ports?.Any(p => p.ContainerPort < 1024) == true;
            result = result with { Capabilities = new V1Capabilities { Drop = ["ALL"], Add = needsLowPort ? ["NET_BIND_SERVICE"] : null } };
        }

        return features.SecurePodDefaults == FeatureFlag.Enabled && pod?.RunAsNonRoot is null
            ? result with { RunAsNonRoot = result.RunAsNonRoot ?? true }
            : result;
    }
}
