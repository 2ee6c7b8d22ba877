namespace Knet.Cli;

/// <summary>The directories of an installation.</summary>
/// <param name="Home">Data that lasts: database, images, certificates, logs. <c>$KNET_HOME</c>, default <c>/var/lib/knet</c>.</param>
/// <param name="Run">What lives only while the machine is up: sockets, mounts, bundles. <c>$KNET_RUN</c>, default <c>/run/knet</c>.</param>
internal sealed record Places(string Home, string Run)
{
    public static Places Current { get; } = new(
        Path.GetFullPath(Environment.GetEnvironmentVariable("KNET_HOME") is { Length: > 0 } home ? home : "/var/lib/knet"),
        Path.GetFullPath(Environment.GetEnvironmentVariable("KNET_RUN") is { Length: > 0 } run ? run : "/run/knet"));

    public string AdminSocket => Path.Combine(Run, "admin.sock");
    public string Kubeconfig => Path.Combine(Home, "kubeconfig");
    public string Log => Path.Combine(Home, "log", "knetd.log");

    /// <summary>Holds the daemon's pid, and is locked while it lives.</summary>
    public string DaemonLock => Path.Combine(Home, "knetd.pid");

    /// <summary>What the daemon notes about what it made on the machine; gone when all of it was taken away.</summary>
    public string StartedWith => Path.Combine(Home, "started-with");

    /// <summary>The file on which the daemon's mount namespace is pinned.</summary>
    public string MountNamespace => Path.Combine(Run, "ns", "mnt");

    /// <summary>The daemon beside this program.</summary>
    public static string Daemon => Path.Combine(AppContext.BaseDirectory, "knetd");
}
