using Knet.Daemon.Startup;
using Knet.Kube.Client;
using Knet.Node.Network;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>Takes away what a daemon that was killed left behind: containers, namespaces, bridge, rules, routes, sysctl.</summary>
internal static class Teardown
{
    private const string FileName = "started-with";

    /// <summary>
    /// Notes what names and ranges this daemon uses, for the one who cleans up after it. Beside the data, for the run directory may be lost
    /// while what was made still stands.
    /// </summary>
    public static Task RememberAsync(DaemonOptions options) => File.WriteAllLinesAsync(
        Path.Combine(options.Home, FileName),
        ["--pod-range", $"{options.PodRange}", "--service-range", $"{options.ServiceRange}", .. Instance(options)]);

    /// <summary>Everything was taken away: nobody needs to do it again.</summary>
    public static void Forget(DaemonOptions options) => File.Delete(Path.Combine(options.Home, FileName));

    public static async Task<int> RunAsync(DaemonOptions given)
    {
        // Not while a daemon lives, even one whose socket nobody finds any more.
        using var held = DirectoryLock.Take(given.Home);
        var file = Path.Combine(given.Home, FileName);
        var options = DaemonOptions.Parse([
            "--home", given.Home, "--run", given.Run, .. File.Exists(file) ? await File.ReadAllLinesAsync(file) : []]);
        using var names = InstanceLock.Take(options.Instance);

        // Run by "knet down", whose output is the user's: only what goes wrong is told.
        using var loggers = Logs.Create(level: LogLevel.Warning);
        await using var machine = new PodMachine(options, TimeProvider.System, loggers);
        await machine.OpenNodeAsync(new NoApi());
        await machine.Node!.RemoveAllAsync();
        await HostNetwork.TeardownAsync(machine.NetworkOptions, CancellationToken.None);
        Forget(options);
        return 0;
    }

    private static string[] Instance(DaemonOptions options) => options.Instance.Length == 0 ? [] : ["--instance", options.Instance];

    /// <summary>Nobody to ask: cleaning up goes by what lies on the machine.</summary>
    private sealed class NoApi : IKubeTransport
    {
        public Task<KubeResult> SendAsync(KubeRequest request, CancellationToken cancellationToken) => throw Refusal();

        public Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken) => throw Refusal();

        public IAsyncEnumerable<KubeWatchEvent> WatchAsync(KubeRequest request, CancellationToken cancellationToken) => throw Refusal();

        private static KubeException Refusal() => KubeException.Of(503, "ServiceUnavailable", "the API server is not running");
    }
}
