using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace Knet.Cli;

/// <summary><c>knet up</c>: starts the daemon unless it runs already, and says where everything is.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var foreground = new Option<bool>("--foreground") { Description = "Stay attached; end with Ctrl-C" };
        var passed = new List<Option<string?>>
        {
            OneOf("--egress", "Whether pods may reach the outside: on (default) or off", "on", "off"),
            OneOf(
                "--durability", "What an acknowledged write survives: a crash of the daemon (normal, default) or a loss of power (full)",
                "normal", "full"),
            new("--gateway-port") { Description = "The gateway's port; default 80, or the first free of 8080 to 8099" },
            new("--gateway-tls-port") { Description = "The gateway's port for https; default 443, or the first free of 8443 to 8462" },
            new("--api-port") { Description = "The API's port; default 6443" },
            new("--pod-range") { Description = "Addresses of pods; default 10.42.0.0/16" },
            new("--service-range") { Description = "Addresses of Services; default 10.43.0.0/16" },
            new("--node-name") { Description = "The node's name; default the host's" },
            OneOf("--allow-host-path", "Whether pods may mount this machine's directories: on or off (default)", "on", "off"),
            OneOf("--allow-privileged", "Whether containers may be privileged: on or off (default)", "on", "off"),
            new("--instance") { Description = "Up to three letters that set a second platform on this machine apart" },
        };
        var limits = new Option<string[]>("--limit")
        {
            Description = "name=value, several times: request-bytes (3Mi), object-bytes (1536Ki), objects (100k, of a kind), history (2048 changes), "
                + "watches (10k), events-ttl (1h), image-bytes (20Gi), log-bytes (10Mi), log-files (5), pods (250)",
        };
        var command = new Command("up", "Start the platform; does nothing when it runs") { foreground, limits };
        passed.ForEach(command.Add);
        command.SetAction((parse, _) => RunAsync(
            parse.GetValue(foreground),
            [
                .. passed.SelectMany(o => parse.GetValue(o) is { } value ? new[] { o.Name, value } : []),
                .. (parse.GetValue(limits) ?? []).SelectMany(l => new[] { limits.Name, l }),
            ]));
        return command;
    }

    private static Option<string?> OneOf(string name, string description, params string[] values)
    {
        var option = new Option<string?>(name) { Description = description };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static async Task<int> RunAsync(bool foreground, string[] options)
    {
        var places = Places.Current;
        Requirements.CheckRoot("up");
        using var turn = await CommandLock.TakeAsync(places);
        using var client = new AdminClient(places);
        if (await client.FindStatusAsync() is { } running)
        {
            StatusCommand.Print(running);
            await KubeconfigMerge.TryAsync(() => KubeconfigMerge.MergeAsync(places.Kubeconfig));
            PrintNext(running);
            return 0;
        }

        Requirements.Check();
        LogFile.Prepare(places.Log);
        var made = await MountNamespace.EnsureAsync(places);
        using var daemon = Process.Start(StartInfo(places, options, foreground))!;
        using var signals = foreground ? Signals.PassOnTo(daemon) : null;
        await WaitUntilReadyAsync(daemon, places, made);
        await KubeconfigMerge.TryAsync(() => KubeconfigMerge.MergeAsync(places.Kubeconfig));
        var status = await client.FindStatusAsync() ?? throw new CliException($"the daemon ended after its start; its log: {places.Log}");
        PrintNext(status);
        if (!foreground)
        {
            return 0;
        }

        turn.Dispose();
        await daemon.WaitForExitAsync();
        await MountNamespace.RemoveAsync(places);
        await KubeconfigMerge.TryAsync(() => KubeconfigMerge.RemoveAsync(places.Kubeconfig));
        return daemon.ExitCode;
    }

    /// <summary>Reads the daemon's step reports from its standard output until it says that it is ready.</summary>
    private static async Task WaitUntilReadyAsync(Process daemon, Places places, bool madeNamespace)
    {
        StepReport? failed = null;
        while (await daemon.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready")
            {
                return;
            }

            if (line.StartsWith('{') && JsonSerializer.Deserialize(line, CliJson.Default.StepReport) is { } step)
            {
                StatusCommand.PrintStep(step);
                failed = step.Ok ? failed : step;
            }
        }

        await daemon.WaitForExitAsync();
        if (daemon.ExitCode == 1 || madeNamespace)
        {
            // It has taken away all that it had made, or had not begun to. Killed, it may have left pods that the next start finds again.
            await MountNamespace.RemoveAsync(places);
        }

        throw new CliException(failed is not null
            ? $"Knet did not start ({failed.Step}): {failed.Detail.TrimEnd('.')}. More in {places.Log}"
            : $"the daemon did not start (exit code {daemon.ExitCode}); the end of its log ({places.Log}):\n{Requirements.Tail(places.Log, 15)}");
    }

    private static ProcessStartInfo StartInfo(Places places, string[] options, bool foreground)
    {
        // The shell appends standard error to the log, and detaches the daemon from this terminal.
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true, RedirectStandardInput = !foreground };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(foreground
            ? "shift; exec nsenter --mount=\"$@\""
            : "log=$1; shift; exec setsid nsenter --mount=\"$@\" 2>>\"$log\" </dev/null");
        start.ArgumentList.Add("knet");
        start.ArgumentList.Add(places.Log);
        start.ArgumentList.Add(places.MountNamespace);
        foreach (var argument in (string[])["--", Places.Daemon, "--home", places.Home, "--run", places.Run, .. options])
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    private static void PrintNext(StatusReport status)
    {
        Console.Out.WriteLine();
        Console.Out.WriteLine($"  API        {status.Api}   (kubectl context \"knet\", or KUBECONFIG={Places.Current.Kubeconfig})");
        Console.Out.WriteLine($"  Services   {status.Gateway.Replace("//", "//NAME.NAMESPACE.", StringComparison.Ordinal)}");
        if (!Requirements.LibcResolvesLocalhostNames())
        {
            Console.Out.WriteLine("  Note       only curl and browsers resolve *.localhost here.");
            Console.Out.WriteLine("             For every program: apt-get install libnss-myhostname");
        }

        Console.Out.WriteLine("  Next       kubectl --context knet get ksvc -A     knet status     knet image load FILE.tar");
    }
}
