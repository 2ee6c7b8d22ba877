namespace Knet.Node.Runtime;

/// <summary>Which capabilities a container's process gets.</summary>
internal static class Capabilities
{
    /// <summary>containerd's default set.</summary>
    public static readonly IReadOnlyList<string> Default =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    // In the kernel's order, CAP_CHOWN = 0 … CAP_CHECKPOINT_RESTORE = 40.
    private static readonly string[] All =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
        "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    /// <summary>The default set with what the container drops and adds (drops first, as containerd does); <c>ALL</c> means all.</summary>
    /// <param name="available">Bit mask of what this process may hand on; what it lacks cannot be given.</param>
    public static IReadOnlyList<string> Of(IEnumerable<string> add, IEnumerable<string> drop, bool privileged, ulong available)
    {
        var wanted = new HashSet<string>(privileged ? All : Default, StringComparer.Ordinal);
        foreach (var name in drop.Select(Full))
        {
            if (name == "CAP_ALL")
            {
                wanted.Clear();
            }

            wanted.Remove(name);
        }

        foreach (var name in add.Select(Full))
        {
            wanted.UnionWith(name == "CAP_ALL" ? All : [name]);
        }

        return [.. All.Where((name, bit) => wanted.Contains(name) && (available >> bit & 1) == 1)];
    }

    /// <summary>What this process may hand on: the effective set in <c>/proc/self/status</c>.</summary>
    public static ulong Available()
    {
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is null ? 0 : Convert.ToUInt64(line["CapEff:".Length..].Trim(), 16);
    }

    private static string Full(string name)
    {
        var upper = name.ToUpperInvariant();
        return upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper : "CAP_" + upper;
    }
}
