using k8s.Models;
using Knet.Node.Runtime;
using Knet.Oci;

namespace Knet.Node.Pods;

/// <summary>What a specification is made of beside the pod and the container.</summary>
internal sealed record ContainerInputs
{
    public required string Id { get; init; }
    public required V1Pod Pod { get; init; }
    public required V1Container Container { get; init; }

    /// <summary>What <c>hostname</c> says in the pod.</summary>
    public required string Hostname { get; init; }

    public required ImageConfig Image { get; init; }
    public required IReadOnlyDictionary<string, string> Env { get; init; }

    /// <summary>The text of the image's /etc/passwd and /etc/group, empty when it has none.</summary>
    public string Passwd { get; init; } = "";

    public string Group { get; init; } = "";
    public required string RootPath { get; init; }
    public required string CgroupsPath { get; init; }
    public string? NetnsPath { get; init; }
    public PodNamespaces? Shared { get; init; }

    /// <summary>The process namespace to join, with shareProcessNamespace.</summary>
    public string? PidPath { get; init; }

    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];
    public required HostRights Rights { get; init; }
    public required long NodeMemoryBytes { get; init; }
    public long? PidsMax { get; init; }
}

/// <summary>Turns what a pod says of a container into what the runtime is to do. Pure.</summary>
internal static class ContainerSpecs
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <exception cref="ContainerConfigException">The pod asks for what cannot be.</exception>
    public static ContainerSpec Of(ContainerInputs inputs)
    {
        var (pod, container) = (inputs.Pod, inputs.Container);
        var security = container.SecurityContext;
        var privileged = security?.Privileged == true;
        var env = Env(inputs);
        var add = security?.Capabilities?.Add ?? [];
        var user = User(inputs);
        return new ContainerSpec
        {
            Id = inputs.Id,
            Hostname = inputs.Hostname,
            RootPath = inputs.RootPath,
            CgroupsPath = inputs.CgroupsPath,
            Args = Args(inputs),
            Env = env,
            Cwd = First(container.WorkingDir, inputs.Image.WorkingDir, "/"),
            User = user,
            Terminal = container.Tty == true,
            Stdin = container.Stdin == true,
            StdinOnce = container.StdinOnce == true,
            ReadOnlyRoot = security?.ReadOnlyRootFilesystem == true,
            Privileged = privileged,
            NoNewPrivileges = !(privileged || (security?.AllowPrivilegeEscalation ?? add.Any(a => a is "SYS_ADMIN" or "CAP_SYS_ADMIN"))),
            Capabilities = Capabilities.Of(add, security?.Capabilities?.Drop ?? [], privileged, inputs.Rights.Capabilities),
            Seccomp = (security?.SeccompProfile ?? pod.Spec.SecurityContext?.SeccompProfile)?.Type != "Unconfined",
            NetnsPath = inputs.NetnsPath,
            IpcPath = inputs.Shared?.Ipc,
            UtsPath = inputs.Shared?.Uts,
            ShmPath = inputs.Shared?.Shm,
            PidPath = inputs.PidPath,
            Mounts = inputs.Mounts,
            Limits = Limits(container.Resources, inputs.PidsMax),
            OomScoreAdj = Math.Max(OomScoreAdj(pod, container, inputs.NodeMemoryBytes), inputs.Rights.OomScoreAdjMin),
            OpenFilesMax = inputs.Rights.OpenFilesMax,
            Sysctls = (pod.Spec.SecurityContext?.Sysctls ?? []).ToDictionary(s => s.Name, s => s.Value),
        };
    }

    /// <summary>Limits as the control groups want them: 1024 shares and 100,000 µs of quota per cpu.</summary>
    public static ContainerLimits Limits(V1ResourceRequirements? resources, long? pids)
    {
        decimal? Get(IDictionary<string, ResourceQuantity>? list, string name) =>
            list?.TryGetValue(name, out var q) == true ? q.ToDecimal() : null;
        var limit = Get(resources?.Limits, "cpu");
        var request = Get(resources?.Requests, "cpu") ?? limit;
        return new ContainerLimits(
            Get(resources?.Limits, "memory") is { } memory and > 0 ? (long)memory : null,
            Math.Clamp((long)((request ?? 0) * 1024), 2, 262144),
            limit is { } l and > 0 ? Math.Max(1000, (long)(l * ContainerLimits.CpuPeriodMicros)) : null,
            pids);
    }

    /// <summary>Who is killed first when the machine runs out of memory; kubelet's formula.</summary>
    public static int OomScoreAdj(V1Pod pod, V1Container container, long nodeMemoryBytes)
    {
        switch (pod.Status?.QosClass ?? PodStatus.Qos(pod.Spec))
        {
            case "Guaranteed":
                return -997;
            case "BestEffort":
                return 1000;
            default:
                var request = container.Resources?.Requests?.TryGetValue("memory", out var q) == true ? (long)q.ToDecimal() : 0;
                return (int)Math.Clamp(1000 - (1000 * request / Math.Max(1, nodeMemoryBytes)), 3, 999);
        }
    }

    private static List<string> Args(ContainerInputs inputs)
    {
        var container = inputs.Container;
        string Expand(string text) => VariableExpansion.Expand(text, n => inputs.Env.GetValueOrDefault(n));
        List<string> args = container.Command is { Count: > 0 } command
            ? [.. command.Select(Expand), .. (container.Args ?? []).Select(Expand)]
            : [.. inputs.Image.Entrypoint, .. container.Args is { Count: > 0 } given ? given.Select(Expand) : inputs.Image.Cmd];
        return args.Count > 0 ? args : throw new ContainerConfigException(
            $"no command specified: neither container {container.Name} nor its image {container.Image} names one");
    }

    private static List<string> Env(ContainerInputs inputs)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = DefaultPath, ["HOSTNAME"] = inputs.Hostname,
        };
        foreach (var variable in inputs.Image.Env)
        {
            var equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                result[variable[..equals]] = variable[(equals + 1)..];
            }
        }

        foreach (var (name, value) in inputs.Env)
        {
            result[name] = value;
        }

        if (inputs.Container.Tty == true)
        {
            result.TryAdd("TERM", "xterm");
        }

        return [.. result.Select(v => $"{v.Key}={v.Value}")];
    }

    private static ContainerUser User(ContainerInputs inputs)
    {
        var (container, pod) = (inputs.Container.SecurityContext, inputs.Pod.Spec.SecurityContext);
        var groups = (pod?.SupplementalGroups ?? []).OfType<long>().Concat(pod?.FsGroup is { } fs ? [fs] : []);
        var nonRoot = (container?.RunAsNonRoot ?? pod?.RunAsNonRoot) == true;
        var runAs = container?.RunAsUser ?? pod?.RunAsUser;
        var metadata = inputs.Pod.Metadata;
        var where = $"(pod: \"{metadata.Name}_{metadata.NamespaceProperty}({metadata.Uid})\", container: {inputs.Container.Name})";
        if (nonRoot && runAs is null && ImageUsers.IsName(inputs.Image.User))
        {
            throw new ContainerConfigException(
                $"container has runAsNonRoot and image has non-numeric user ({inputs.Image.User}), cannot verify user is non-root {where}");
        }

        ContainerUser user;
        try
        {
            var group = container?.RunAsGroup ?? pod?.RunAsGroup;
            user = ImageUsers.Resolve(inputs.Image.User, inputs.Passwd, inputs.Group, runAs, group, groups);
        }
        catch (InvalidDataException e)
        {
            throw new ContainerConfigException(e.Message);
        }

        return !nonRoot || user.Uid != 0 ? user : throw new ContainerConfigException(runAs is 0
            ? $"container's runAsUser breaks non-root policy {where}"
            : $"container has runAsNonRoot and image will run as root {where}");
    }

    private static string First(params ReadOnlySpan<string?> values)
    {
        foreach (var value in values)
        {
            if (!string.IsNullOrEmpty(value))
            {
                return value;
            }
        }

        return "";
    }
}
