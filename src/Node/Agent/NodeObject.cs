using System.Globalization;
using System.Runtime.InteropServices;
using k8s.Models;
using Knet.Node.Runtime;

namespace Knet.Node.Agent;

/// <summary>The Node object: what this machine has and is. Reads /proc; otherwise pure.</summary>
internal static class NodeObject
{
    /// <param name="before">The conditions last written, for their transition times.</param>
    public static V1Node Of(
        NodeOptions options, RuntimeProgram runtime, int kubeletPort, NodePressure pressure, DateTime now, IList<V1NodeCondition>? before)
    {
        var capacity = Capacity(options);
        var labels = new Dictionary<string, string>(options.Labels)
        {
            ["kubernetes.io/hostname"] = options.Name,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = Arch,
            ["beta.kubernetes.io/os"] = "linux",
            ["beta.kubernetes.io/arch"] = Arch,
        };
        return new V1Node
        {
            ApiVersion = "v1",
            Kind = "Node",
            Metadata = new V1ObjectMeta { Name = options.Name, Labels = labels },
            Status = new V1NodeStatus
            {
                Capacity = capacity,
                Allocatable = capacity,
                Addresses =
                [
                    new V1NodeAddress { Type = "InternalIP", Address = options.Address },
                    new V1NodeAddress { Type = "Hostname", Address = options.Name },
                ],
                Conditions = Conditions(pressure, now, before),
                DaemonEndpoints = new V1NodeDaemonEndpoints { KubeletEndpoint = new V1DaemonEndpoint { Port = kubeletPort } },
                NodeInfo = Info(options, runtime),
            },
        };
    }

    /// <summary>What the machine runs short of now, by the node's limits.</summary>
    public static NodePressure Pressure(NodeOptions options) => new(
        MemoryBytes("MemAvailable:") < options.MemoryAvailableMin,
        new DriveInfo(options.DataDirectory).AvailableFreeSpace < options.DiskAvailableMin);

    /// <summary>A line of <c>/proc/meminfo</c>, bytes.</summary>
    public static long MemoryBytes(string name = "MemTotal:")
    {
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        var kib = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return long.TryParse(kib, CultureInfo.InvariantCulture, out var n) ? n * 1024 : 0;
    }

    private static string Arch => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    private static Dictionary<string, ResourceQuantity> Capacity(NodeOptions options) => new()
    {
        ["cpu"] = new ResourceQuantity(Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)),
        ["memory"] = new ResourceQuantity($"{MemoryBytes() / 1024}Ki"),
        ["ephemeral-storage"] = new ResourceQuantity($"{Disk(options.DataDirectory) / 1024}Ki"),
        ["pods"] = new ResourceQuantity(options.PodsMax.ToString(CultureInfo.InvariantCulture)),
    };

    private static long Disk(string directory)
    {
        Directory.CreateDirectory(directory);
        return new DriveInfo(directory).TotalSize;
    }

    private static V1NodeSystemInfo Info(NodeOptions options, RuntimeProgram runtime) => new()
    {
        Architecture = Arch,
        OperatingSystem = "linux",
        KernelVersion = Line("/proc/sys/kernel/osrelease"),
        BootID = Line("/proc/sys/kernel/random/boot_id"),
        MachineID = Line("/etc/machine-id"),
        SystemUUID = Line("/etc/machine-id"),
        OsImage = OsImage(),
        ContainerRuntimeVersion = runtime.Reported,
        KubeletVersion = options.KubeletVersion,
        KubeProxyVersion = "",
    };

    private static List<V1NodeCondition> Conditions(NodePressure pressure, DateTime now, IList<V1NodeCondition>? before)
    {
        V1NodeCondition Condition(string type, string status, string reason, string message) => new()
        {
            Type = type, Status = status, Reason = reason, Message = message, LastHeartbeatTime = now,
            LastTransitionTime = before?.FirstOrDefault(c => c.Type == type && c.Status == status)?.LastTransitionTime ?? now,
        };
        return
        [
            pressure.Memory
                ? Condition("MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
                : Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            pressure.Disk
                ? Condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
                : Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            Condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ];
    }

    private static string OsImage() =>
        File.Exists("/etc/os-release")
            ? File.ReadLines("/etc/os-release").Where(l => l.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))
                .Select(l => l["PRETTY_NAME=".Length..].Trim('"')).FirstOrDefault() ?? "Linux"
            : "Linux";

    private static string Line(string file) => File.Exists(file) ? File.ReadLines(file).FirstOrDefault("") : "";
}

/// <summary>What a node runs short of.</summary>
internal readonly record struct NodePressure(bool Memory, bool Disk);
