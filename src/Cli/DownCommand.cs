using System.CommandLine;
using System.Diagnostics;

namespace Knet.Cli;

/// <summary><c>knet down</c>: ends pods and daemon and leaves the machine as it was.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var purge = new Option<bool>("--purge") { Description = "Remove the data too: objects, images, certificates, logs" };
        var command = new Command("down", "Stop the platform and leave nothing behind but its data") { purge };
        command.SetAction((parse, _) => RunAsync(parse.GetValue(purge)));
        return command;
    }

    private static async Task<int> RunAsync(bool purge)
    {
        var places = Places.Current;
        Requirements.CheckRoot("down");
        using var turn = await CommandLock.TakeAsync(places);
        using var client = new AdminClient(places);
        if (await client.FindStatusAsync() is { } status)
        {
            using var _ = await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/shutdown"));
            await WaitForEndAsync(status.Pid);
        }
        else if (LivingDaemon.Find(places) is { } pid)
        {
            // It starts just now, or its socket was removed under it.
            Signals.Terminate(pid);
            await WaitForEndAsync(pid);
        }

        // What a daemon that was killed left behind, or nothing: the daemon's own program knows how to take it away.
        if (MountNamespace.IsMounted(places.MountNamespace) || File.Exists(places.StartedWith))
        {
            await MountNamespace.EnsureAsync(places);
            using var teardown = Process.Start(new ProcessStartInfo(
                "nsenter", [$"--mount={places.MountNamespace}", "--", Places.Daemon, "teardown", "--home", places.Home, "--run", places.Run]))!;
            await teardown.WaitForExitAsync();
            if (teardown.ExitCode != 0)
            {
                throw new CliException("cleaning up failed for the reason above; mend it and run knet down again");
            }
        }

        await MountNamespace.RemoveAsync(places);
        await KubeconfigMerge.TryAsync(() => KubeconfigMerge.RemoveAsync(places.Kubeconfig));
        if (purge && Directory.Exists(places.Home))
        {
            await RemoveAsync(places.Home);
        }

        Console.Out.WriteLine(purge
            ? "Knet is down and its data is gone."
            : $"Knet is down. Its data stays in {places.Home} (knet down --purge removes it).");
        return 0;
    }

    private static async Task WaitForEndAsync(int pid)
    {
        // Longer than the longest ordinary grace period of a pod (Knative's timeoutSeconds, 300 s by default) is no hang.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(330));
        try
        {
            using var daemon = Process.GetProcessById(pid);
            await daemon.WaitForExitAsync(limit.Token);
        }
        catch (ArgumentException)
        {
            // It has ended already.
        }
        catch (OperationCanceledException)
        {
            throw new CliException($"the daemon (pid {pid}) is still ending pods after 330 s; run knet down again, or end it with: kill -9 {pid}", 4);
        }
    }

    // The framework's own call fails at names that are no UTF-8, and containers may write such.
    private static async Task RemoveAsync(string directory)
    {
        using var remove = Process.Start(new ProcessStartInfo("rm", ["-rf", "--", directory]))!;
        await remove.WaitForExitAsync();
        if (remove.ExitCode != 0)
        {
            throw new CliException($"{directory} could not be removed for the reason above");
        }
    }
}
