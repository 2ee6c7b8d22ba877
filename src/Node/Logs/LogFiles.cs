using System.Globalization;

namespace Knet.Node.Logs;

/// <summary>
/// The log files of containers: <c>namespace_pod_uid/container/RESTARTS.log</c>, and <c>RESTARTS.log.TIME</c> after rotation.
/// </summary>
internal static class LogFiles
{
    /// <summary>The files of one run, oldest first; only those that exist.</summary>
    public static IReadOnlyList<string> Of(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
        {
            return [];
        }

        // Not by a pattern: for .NET "0.log.*" matches 0.log too.
        var rotated = Directory.GetFiles(directory)
            .Where(f => f.StartsWith(path + ".", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        return File.Exists(path) ? [.. rotated, path] : [.. rotated];
    }

    /// <summary>Keeps the logs of the run with this number and of the one before it.</summary>
    public static void RemoveOld(string path, int restarts)
    {
        var directory = Path.GetDirectoryName(path)!;
        foreach (var file in Directory.Exists(directory) ? Directory.GetFiles(directory) : [])
        {
            if (int.TryParse(Path.GetFileName(file).Split('.')[0], CultureInfo.InvariantCulture, out var run) && run < restarts - 1)
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Moves a log that has become too long aside and removes the oldest. The keeper must then open the file anew.</summary>
    /// <returns>False when there was nothing to do.</returns>
    public static bool Rotate(string path, long bytesMax, int filesMax, DateTimeOffset now)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length < bytesMax)
        {
            return false;
        }

        File.Move(path, $"{path}.{now.UtcDateTime.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}");
        var all = Of(path);
        foreach (var old in all.Take(Math.Max(0, all.Count - (filesMax - 1))))
        {
            File.Delete(old);
        }

        return true;
    }
}
