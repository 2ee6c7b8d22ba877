using System.Globalization;

namespace Knet.Node.Runtime;

/// <summary>What everything on this machine uses together, from <c>/proc</c>.</summary>
internal static class MachineUsage
{
    // USER_HZ: what /proc/stat counts in, fixed on every Linux that .NET runs on.
    private const long NanosPerTick = 10_000_000;

    public static CgroupUsage Read() => Parse(File.ReadAllText("/proc/stat"), File.ReadAllText("/proc/meminfo"));

    /// <param name="stat">The text of <c>/proc/stat</c>.</param>
    /// <param name="memory">The text of <c>/proc/meminfo</c>.</param>
    internal static CgroupUsage Parse(string stat, string memory)
    {
        // user nice system idle iowait irq softirq steal: all but the idle ones.
        var ticks = stat.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(Number).ToList();
        var busy = ticks.Where((_, i) => i is not (3 or 4) && i < 8).Sum();
        var used = (Field(memory, "MemTotal") - Field(memory, "MemAvailable")) * 1024;
        return new(busy * NanosPerTick, (Field(memory, "MemTotal") - Field(memory, "MemFree")) * 1024, used);
    }

    private static long Field(string text, string name) =>
        text.Split('\n').Where(l => l.StartsWith(name + ":", StringComparison.Ordinal))
            .Select(l => Number(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1])).FirstOrDefault();

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
}
