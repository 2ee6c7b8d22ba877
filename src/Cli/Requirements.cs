namespace Knet.Cli;

/// <summary>What must be on the machine before the daemon can start, with the command that brings it.</summary>
internal static class Requirements
{
    private static readonly (string[] Programs, string Package, string For)[] Needed =
    [
        (["crun", "runc"], "crun", "running containers"),
        (["conmon"], "conmon", "keeping containers' output and exit codes"),
        (["nft"], "nftables", "cluster addresses of Services"),
        (["nsenter"], "util-linux", "the daemon's own mount namespace"),
    ];

    /// <exception cref="CliException">Not root.</exception>
    public static void CheckRoot(string command)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new CliException($"knet {command} needs root, for network namespaces, mounts and cgroups. Run: sudo knet {command}");
        }
    }

    /// <exception cref="CliException">Programs are missing.</exception>
    public static void Check()
    {
        if (!File.Exists(Places.Daemon))
        {
            throw new CliException($"the daemon is not beside this program ({Places.Daemon}). Install both files into one directory");
        }

        var missing = Needed.Where(n => !n.Programs.Any(OnPath)).ToList();
        if (missing.Count > 0)
        {
            var what = string.Join(", ", missing.Select(m => $"{string.Join(" or ", m.Programs)} ({m.For})"));
            throw new CliException($"missing on this machine: {what}. Run: apt-get install {string.Join(' ', missing.Select(m => m.Package))}");
        }
    }

    /// <summary>Whether libnss-myhostname (or systemd-resolved) answers names below <c>localhost</c> for programs that use the C library.</summary>
    public static bool LibcResolvesLocalhostNames() =>
        File.Exists("/etc/nsswitch.conf") && File.ReadLines("/etc/nsswitch.conf").Any(line =>
            line.StartsWith("hosts:", StringComparison.Ordinal)
            && (line.Contains("myhostname", StringComparison.Ordinal) || line.Contains("resolve", StringComparison.Ordinal)));

    public static string Tail(string file, int lines) =>
        File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(lines)) : "(empty)";

    private static bool OnPath(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(d => d.Length > 0 && File.Exists(Path.Combine(d, program)));
}
