using System.Globalization;

namespace Knet.Node.Runtime;

/// <summary>What this process may hand on to containers; more cannot be given.</summary>
/// <param name="Capabilities">Bit mask, bit 0 is CAP_CHOWN.</param>
/// <param name="OpenFilesMax">Hard limit of open files, at most 1,048,576.</param>
/// <param name="OomScoreAdjMin">The lowest score that a container may have.</param>
internal sealed record HostRights(ulong Capabilities, long OpenFilesMax, int OomScoreAdjMin)
{
    private const long OpenFilesUsual = 1_048_576;
    private const int SysResource = 24;

    public static HostRights Detect()
    {
        var capabilities = Runtime.Capabilities.Available();
        var free = (capabilities >> SysResource & 1) == 1; // raises limits and lowers scores
        var own = int.TryParse(File.ReadAllText("/proc/self/oom_score_adj"), CultureInfo.InvariantCulture, out var score) ? score : 0;
        return new HostRights(capabilities, free ? OpenFilesUsual : Math.Min(OpenFilesUsual, HardLimit()), free ? -1000 : own);
    }

    private static long HardLimit()
    {
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields is { Length: > 4 } && long.TryParse(fields[4], CultureInfo.InvariantCulture, out var hard) ? hard : 4096;
    }
}
