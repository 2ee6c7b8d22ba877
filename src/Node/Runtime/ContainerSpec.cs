namespace Knet.Node.Runtime;

/// <summary>A mount of a container, as OCI's configuration has it.</summary>
internal sealed record ContainerMount(string Destination, string Type, string Source, IReadOnlyList<string> Options)
{
    /// <param name="propagation">Whether mounts made later appear on the other side: <c>rprivate</c>, <c>rslave</c> or <c>rshared</c>.</param>
    public static ContainerMount Bind(string source, string destination, bool readOnly, string propagation = "rprivate") =>
        new(destination, "bind", source, ["rbind", propagation, readOnly ? "ro" : "rw"]);
}

/// <summary>Limits of a container; null means none.</summary>
/// <param name="MemoryBytes">Hard limit.</param>
/// <param name="CpuShares">Weight in cgroup v1's scale, 2 … 262144.</param>
/// <param name="CpuQuotaMicros">Processor time per 100 ms.</param>
internal sealed record ContainerLimits(long? MemoryBytes, long? CpuShares, long? CpuQuotaMicros, long? Pids)
{
    public const long CpuPeriodMicros = 100_000;
}

/// <summary>Everything that decides how a container's process runs, resolved: no names, no references.</summary>
internal sealed record ContainerSpec
{
    /// <summary>Unique on this node; also the OCI id.</summary>
    public required string Id { get; init; }

    public required string Hostname { get; init; }

    /// <summary>Mounted root file system.</summary>
    public required string RootPath { get; init; }

    /// <summary>Absolute within the hierarchies, such as <c>/knet/pod…/id</c>.</summary>
    public required string CgroupsPath { get; init; }

    public required IReadOnlyList<string> Args { get; init; }
    public IReadOnlyList<string> Env { get; init; } = [];
    public string Cwd { get; init; } = "/";
    public ContainerUser User { get; init; } = new(0, 0, []);
    public bool Terminal { get; init; }
    public bool Stdin { get; init; }

    /// <summary>Input ends when the first who attaches to it goes away.</summary>
    public bool StdinOnce { get; init; }

    public bool ReadOnlyRoot { get; init; }
    public bool NoNewPrivileges { get; init; } = true;
    public bool Privileged { get; init; }
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>False leaves all system calls open (seccompProfile Unconfined, privileged).</summary>
    public bool Seccomp { get; init; } = true;

    /// <summary>The pod's network namespace; null makes a new, empty one.</summary>
    public string? NetnsPath { get; init; }

    /// <summary>The pod's IPC and UTS namespaces; null makes new ones.</summary>
    public string? IpcPath { get; init; }

    public string? UtsPath { get; init; }

    /// <summary>The process namespace that the pod's containers share; null makes a new one.</summary>
    public string? PidPath { get; init; }

    /// <summary>The pod's /dev/shm; null makes a new one.</summary>
    public string? ShmPath { get; init; }

    /// <summary>Beside the usual /proc, /dev, /sys, which every container gets.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    public ContainerLimits Limits { get; init; } = new(null, null, null, null);
    public int OomScoreAdj { get; init; }
    public long OpenFilesMax { get; init; } = 4096;
    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();
    public long ShmBytes { get; init; } = 64 << 20;
}

/// <summary>Numbers, resolved against the image's own /etc/passwd and /etc/group.</summary>
internal sealed record ContainerUser(uint Uid, uint Gid, IReadOnlyList<uint> Groups);
