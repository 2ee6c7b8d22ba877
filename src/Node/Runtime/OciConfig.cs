using System.Buffers;
using System.Text.Json;

namespace Knet.Node.Runtime;

/// <summary>Writes a container's <c>config.json</c> as the OCI runtime specification 1.0 has it. Pure.</summary>
internal static class OciConfig
{
    private const string HideFiles = """
        /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats /proc/sched_debug
        /proc/scsi /sys/firmware /sys/devices/virtual/powercap
        """;

    private const string ProtectFiles = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger";

    public static byte[] Write(ContainerSpec spec)
    {
        var buffer = new ArrayBufferWriter<byte>(16 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", "1.0.2");
            WriteProcess(json, "process", spec, spec.Args, spec.Terminal);
            json.WriteStartObject("root");
            json.WriteString("path", spec.RootPath);
            json.WriteBoolean("readonly", spec.ReadOnlyRoot);
            json.WriteEndObject();
            json.WriteString("hostname", spec.Hostname);
            WriteMounts(json, spec);
            WriteLinux(json, spec);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The process document of <c>exec</c>: the container's own environment, user and rights with other arguments.</summary>
    public static byte[] WriteExec(ContainerSpec spec, IReadOnlyList<string> args, bool terminal)
    {
        var buffer = new ArrayBufferWriter<byte>(4 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            WriteProcess(json, null, spec, args, terminal);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteProcess(Utf8JsonWriter json, string? name, ContainerSpec spec, IReadOnlyList<string> args, bool terminal)
    {
        if (name is null)
        {
            json.WriteStartObject();
        }
        else
        {
            json.WriteStartObject(name);
        }

        json.WriteBoolean("terminal", terminal);
        json.WriteStartObject("user");
        json.WriteNumber("uid", spec.User.Uid);
        json.WriteNumber("gid", spec.User.Gid);
        json.WriteStartArray("additionalGids");
        foreach (var group in spec.User.Groups)
        {
            json.WriteNumberValue(group);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        Strings(json, "args", args);
        Strings(json, "env", terminal ? [.. spec.Env, "TERM=xterm"] : spec.Env);
        json.WriteString("cwd", spec.Cwd);
        WriteRights(json, spec);
        json.WriteEndObject();
    }

    private static void WriteRights(Utf8JsonWriter json, ContainerSpec spec)
    {
        // As containerd: bounding, permitted and effective; a process that is not root loses the latter two at exec by the kernel's rules.
        json.WriteStartObject("capabilities");
        foreach (var set in (string[])["bounding", "effective", "permitted"])
        {
            Strings(json, set, spec.Capabilities);
        }

        json.WriteEndObject();
        json.WriteStartArray("rlimits");
        json.WriteStartObject();
        json.WriteString("type", "RLIMIT_NOFILE");
        json.WriteNumber("hard", spec.OpenFilesMax);
        json.WriteNumber("soft", spec.OpenFilesMax);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteBoolean("noNewPrivileges", spec.NoNewPrivileges);
        json.WriteNumber("oomScoreAdj", spec.OomScoreAdj);
    }

    private static void WriteMounts(Utf8JsonWriter json, ContainerSpec spec)
    {
        json.WriteStartArray("mounts");
        Mount(json, new("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]));
        Mount(json, new("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]));
        Mount(json, new("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]));
        Mount(json, spec.ShmPath is { } shm ? ContainerMount.Bind(shm, "/dev/shm", readOnly: false)
            : new("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", $"size={spec.ShmBytes / 1024}k"]));
        Mount(json, new("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]));
        var access = spec.Privileged ? "rw" : "ro";
        Mount(json, new("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", access]));
        Mount(json, new("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", access]));

        // Outer before inner, or the outer would cover the inner.
        foreach (var mount in spec.Mounts.OrderBy(m => m.Destination.TrimEnd('/').Count(c => c == '/')))
        {
            Mount(json, mount);
        }

        json.WriteEndArray();
    }

    private static void Mount(Utf8JsonWriter json, ContainerMount mount)
    {
        json.WriteStartObject();
        json.WriteString("destination", mount.Destination);
        json.WriteString("type", mount.Type);
        json.WriteString("source", mount.Source);
        Strings(json, "options", mount.Options);
        json.WriteEndObject();
    }

    private static void WriteLinux(Utf8JsonWriter json, ContainerSpec spec)
    {
        json.WriteStartObject("linux");
        json.WriteString("cgroupsPath", spec.CgroupsPath);
        WriteResources(json, spec);
        json.WriteStartArray("namespaces");
        foreach (var (type, path) in (ReadOnlySpan<(string, string?)>)
            [("pid", spec.PidPath), ("ipc", spec.IpcPath), ("uts", spec.UtsPath), ("mount", null), ("cgroup", null), ("network", spec.NetnsPath)])
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            if (path is not null)
            {
                json.WriteString("path", path);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        Strings(json, "maskedPaths", spec.Privileged ? [] : Words(HideFiles));
        Strings(json, "readonlyPaths", spec.Privileged ? [] : Words(ProtectFiles));
        if (spec.Sysctls.Count > 0)
        {
            json.WriteStartObject("sysctl");
            foreach (var (key, value) in spec.Sysctls)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        if (spec.Seccomp && !spec.Privileged)
        {
            SeccompProfile.Write(json, [.. spec.Capabilities]);
        }

        json.WriteEndObject();
    }

    private static void WriteResources(Utf8JsonWriter json, ContainerSpec spec)
    {
        json.WriteStartObject("resources");
        json.WriteStartArray("devices");
        json.WriteStartObject();
        json.WriteBoolean("allow", spec.Privileged);
        json.WriteString("access", "rwm");
        json.WriteEndObject();
        json.WriteEndArray();
        var limits = spec.Limits;
        if (limits.MemoryBytes is { } memory)
        {
            json.WriteStartObject("memory");
            json.WriteNumber("limit", memory);
            json.WriteEndObject();
        }

        json.WriteStartObject("cpu");
        json.WriteNumber("shares", limits.CpuShares ?? 2);
        if (limits.CpuQuotaMicros is { } quota)
        {
            json.WriteNumber("quota", quota);
            json.WriteNumber("period", ContainerLimits.CpuPeriodMicros);
        }

        json.WriteEndObject();
        if (limits.Pids is { } pids)
        {
            json.WriteStartObject("pids");
            json.WriteNumber("limit", pids);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
