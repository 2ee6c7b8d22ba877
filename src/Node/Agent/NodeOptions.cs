namespace Knet.Node.Agent;

/// <summary>What the node is called, where it keeps things, and its limits.</summary>
public sealed record NodeOptions
{
    /// <summary>The Node object's name.</summary>
    public string Name { get; init; } = "knet";

    /// <summary>This machine's address as pods see it: <c>status.hostIP</c> and the Node's InternalIP.</summary>
    public required string Address { get; init; }

    /// <summary>Bundles, volumes, exit files; a tmpfs is mounted here unless it lies in one.</summary>
    public string RunDirectory { get; init; } = "/run/knet/node";

    /// <summary>Logs and writable layers.</summary>
    public string DataDirectory { get; init; } = "/var/lib/knet/node";

    /// <summary>Persistent volumes of the local-path class: a directory each. They outlive pods, and the platform.</summary>
    public string VolumesDirectory { get; init; } = "/var/lib/knet/volumes";

    /// <summary>OCI runtimes in order of preference: names, or absolute paths. The first that passes the self-test is used.</summary>
    public IReadOnlyList<string> Runtimes { get; init; } = ["crun", "runc"];

    /// <summary>The control group under which all pods lie.</summary>
    public string CgroupRoot { get; init; } = "/knet";

    /// <summary>Pods at once: the Node's capacity. Default 250: twice kubelet's 110, as embedded pods are light.</summary>
    public int PodsMax { get; init; } = 250;

    /// <summary>Processes and threads of one container; null for no limit. Default 32,768.</summary>
    public long? PidsMax { get; init; } = 32768;

    /// <summary>Containers made at the same moment; more wait. Default 8.</summary>
    public int ContainersStartedAtOnce { get; init; } = 8;

    /// <summary>Size at which a container's log is rotated, bytes. Default 10 MiB, as kubelet.</summary>
    public long LogBytesMax { get; init; } = 10 << 20;

    /// <summary>Log files kept of a container, the current one included. Default 5, as kubelet.</summary>
    public int LogFilesMax { get; init; } = 5;

    /// <summary>Allow volumes of type hostPath. They give pods the machine. Default: refused.</summary>
    public bool AllowHostPath { get; init; }

    /// <summary>Allow privileged containers. Default: refused.</summary>
    public bool AllowPrivileged { get; init; }

    /// <summary>Where pods find the API (KUBERNETES_SERVICE_HOST and _PORT).</summary>
    public string ApiHost { get; init; } = "10.43.0.1";

    public int ApiPort { get; init; } = 443;

    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>What the node says of its version, for kubectl's VERSION column.</summary>
    public string KubeletVersion { get; init; } = "v1.35.0+knet";

    /// <summary>How often the Lease is renewed. Default 10 s, as kubelet; it is valid for four times as long.</summary>
    public TimeSpan LeasePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the Node's status is written when nothing changed. Default 5 min, as kubelet.</summary>
    public TimeSpan StatusPeriod { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a status that is not urgent waits for company. Ready, phases and ends are urgent. Default 40 ms: a pod that becomes
    /// ready within it needs one write in all.
    /// </summary>
    public TimeSpan StatusDelay { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>Available memory below which the Node has MemoryPressure and takes no pods without requests. Default 100 MiB, as kubelet.</summary>
    public long MemoryAvailableMin { get; init; } = 100 << 20;

    /// <summary>Free disk below which the Node has DiskPressure and takes no pods. Default 512 MiB; kubelet goes by shares of the disk.</summary>
    public long DiskAvailableMin { get; init; } = 512 << 20;

    /// <summary>Labels of the Node beside the usual ones.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}
