using System.Globalization;

namespace Knet.Node.Runtime;

/// <summary>What a control group has used.</summary>
/// <param name="MemoryBytes">In use.</param>
/// <param name="WorkingSetBytes">In use without the file cache that could be dropped: what eviction and <c>kubectl top</c> go by.</param>
internal readonly record struct CgroupUsage(long CpuNanos, long MemoryBytes, long WorkingSetBytes);

/// <summary>
/// This machine's control groups: version 1 (a hierarchy per controller), version 2 (one), or hybrid, which counts as version 1.
/// </summary>
internal sealed class Cgroups
{
    private readonly IReadOnlyDictionary<string, string> _v1;
    private readonly string? _v2;

    private Cgroups(IReadOnlyDictionary<string, string> v1, string? v2) => (_v1, _v2) = (v1, v2);

    public bool IsV2 => _v1.Count == 0;

    /// <param name="mountInfo">The text of <c>/proc/self/mountinfo</c>.</param>
    public static Cgroups Parse(string mountInfo)
    {
        var v1 = new Dictionary<string, string>(StringComparer.Ordinal);
        string? v2 = null;
        foreach (var line in mountInfo.Split('\n'))
        {
            var halves = line.Split(" - ");
            if (halves.Length != 2 || halves[0].Split(' ') is not { Length: >= 5 } left)
            {
                continue;
            }

            var right = halves[1].Split(' ');
            if (right[0] == "cgroup2")
            {
                v2 ??= left[4];
            }
            else if (right[0] == "cgroup" && right.Length > 2)
            {
                foreach (var option in right[2].Split(',').Where(o => o is not ("rw" or "ro" or "xattr") && !o.Contains('=')))
                {
                    v1.TryAdd(option, left[4]);
                }

                v1.TryAdd(left[4], left[4]); // named hierarchies (systemd) have no controller, and still hold directories
            }
        }

        // Hybrid hosts mount an empty cgroup2 beside the controllers of version 1.
        return new Cgroups(v1.ContainsKey("memory") || v2 is null ? v1 : new Dictionary<string, string>(), v2);
    }

    public static Cgroups Detect() => Parse(File.ReadAllText("/proc/self/mountinfo"));

    /// <summary>How often the kernel killed a process of the group for lack of memory.</summary>
    public long OomKills(string path) => IsV2
        ? Field(Read(_v2!, path, "memory.events"), "oom_kill")
        : Field(Read(_v1.GetValueOrDefault("memory"), path, "memory.oom_control"), "oom_kill");

    public CgroupUsage Usage(string path)
    {
        if (IsV2)
        {
            var memory = Number(Read(_v2!, path, "memory.current"));
            var cache = Field(Read(_v2!, path, "memory.stat"), "inactive_file");
            return new(Field(Read(_v2!, path, "cpu.stat"), "usage_usec") * 1000, memory, Math.Max(0, memory - cache));
        }

        var root = _v1.GetValueOrDefault("memory");
        var used = Number(Read(root, path, "memory.usage_in_bytes"));
        var inactive = Field(Read(root, path, "memory.stat"), "total_inactive_file");
        return new(Number(Read(_v1.GetValueOrDefault("cpuacct"), path, "cpuacct.usage")), used, Math.Max(0, used - inactive));
    }

    /// <summary>The processes of the group and of those below it.</summary>
    public IReadOnlyList<int> Processes(string path)
    {
        var root = IsV2 ? _v2! : _v1.GetValueOrDefault("pids") ?? _v1.GetValueOrDefault("memory") ?? "";
        var directory = root + path;
        return !Directory.Exists(directory)
            ? []
            : [.. Directory.EnumerateFiles(directory, "cgroup.procs", SearchOption.AllDirectories)
                .SelectMany(TryReadLines).Select(l => int.Parse(l, CultureInfo.InvariantCulture))];
    }

    /// <summary>Removes the group and those below it from every hierarchy. False when a process still lives in one.</summary>
    public bool Remove(string path)
    {
        var removed = true;
        foreach (var root in IsV2 ? [_v2!] : _v1.Values.Append(_v2 ?? "").Where(r => r.Length > 0).Distinct())
        {
            removed &= RemoveTree(root + path);
        }

        // Where a hybrid host's cgroup2 was unmounted for crun's sake, crun makes plain directories in the mount point's place.
        var plain = _v1.GetValueOrDefault("memory") is { } memory ? $"{Path.GetDirectoryName(memory)}/unified{path}" : "";
        if (Directory.Exists(plain) && new DriveInfo(plain).DriveFormat == "tmpfs")
        {
            NodePaths.TryDelete(plain);
        }

        return removed;
    }

    /// <summary>The groups directly below one, by name.</summary>
    public IReadOnlyList<string> Children(string path) =>
        [.. (IsV2 ? [_v2!] : _v1.Values.Distinct())
            .Select(r => r + path).Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories)
            .Select(d => Path.GetFileName(d)!).Distinct()];

    private static bool RemoveTree(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return true;
        }

        try
        {
            foreach (var child in Directory.EnumerateDirectories(directory))
            {
                RemoveTree(child);
            }

            Directory.Delete(directory); // rmdir: the kernel's files in it do not count
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(directory);
        }
    }

    private static string Read(string? root, string path, string file)
    {
        try
        {
            return root is null ? "" : File.ReadAllText($"{root}{path}/{file}");
        }
        catch (IOException)
        {
            return ""; // the group is gone, or lacks the controller
        }
    }

    private static string[] TryReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static long Number(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out var n) ? n : 0;

    private static long Field(string text, string name) =>
        text.Split('\n').Where(l => l.StartsWith(name + " ", StringComparison.Ordinal))
            .Select(l => Number(l[(name.Length + 1)..])).FirstOrDefault();
}
