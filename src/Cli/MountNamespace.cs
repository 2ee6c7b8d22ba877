using System.Diagnostics;

namespace Knet.Cli;

/// <summary>
/// The daemon's private mount namespace, pinned on a file so that a daemon started after a crash finds the mounts of the running
/// containers. It also hides cgroup v2 on hybrid hosts, where crun otherwise refuses to work (docs/decisions/0003).
/// </summary>
internal static class MountNamespace
{
    /// <returns>Whether it was made now; false when an earlier daemon's was there.</returns>
    public static async Task<bool> EnsureAsync(Places places)
    {
        var directory = Path.GetDirectoryName(places.MountNamespace)!;
        Directory.CreateDirectory(directory);
        if (IsMounted(places.MountNamespace))
        {
            return false;
        }

        // A namespace file can only be bound below a mount that does not propagate into the namespace itself.
        if (!IsMounted(directory))
        {
            await RunAsync("mount", "--bind", directory, directory);
            await RunAsync("mount", "--make-private", directory);
        }

        await File.WriteAllTextAsync(places.MountNamespace, "");
        const string hideUnified = "if [ -d /sys/fs/cgroup/unified ] && mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi";
        await RunAsync("unshare", $"--mount={places.MountNamespace}", "--propagation", "private", "/bin/sh", "-c", hideUnified);
        return true;
    }

    /// <summary>Unpins it and removes the run directory: nothing lives in either any more.</summary>
    public static async Task RemoveAsync(Places places)
    {
        foreach (var mount in (string[])[places.MountNamespace, Path.GetDirectoryName(places.MountNamespace)!])
        {
            if (IsMounted(mount))
            {
                await RunAsync("umount", mount);
            }
        }

        if (Directory.Exists(places.Run))
        {
            Directory.Delete(places.Run, recursive: true);
        }
    }

    public static bool IsMounted(string path) =>
        File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ') is { Length: > 4 } fields && Unescape(fields[4]) == path);

    // The kernel writes what would break the line's fields in octal.
    private static string Unescape(string field) =>
        field.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new CliException($"{program} {string.Join(' ', arguments)} failed: {error.Trim()}");
        }
    }
}
