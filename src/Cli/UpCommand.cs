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
        var egress = new Option<string>("--egress")
        {
            Description = "Whether pods may reach the outside: on or off", DefaultValueFactory = _ => "on",
        };
        egress.AcceptOnlyFromAmong("on", "off");
        var durability = new Option<string>("--durability")
        {
            Description = "What an acknowledged write survives: a crash of the daemon (normal) or a loss of power (full)",
            DefaultValueFactory = _ => "normal",
        };
        durability.AcceptOnlyFromAmong("normal", "full");
        var command = new Command("up", "Start the platform; does nothing when it runs") { foreground, egress, durability };
        command.SetAction((parse, _) => RunAsync(
            parse.GetValue(foreground),
            ["--egress", parse.GetValue(egress)!, "--durability", parse.GetValue(durability)!]));
        return command;
    }

    private static async Task<int> RunAsync(bool foreground, string[] options)
    {
        var places = Places.Current;
        using var client = new AdminClient(places);
        if (await client.FindStatusAsync() is { } running)
        {
            StatusCommand.Print(running);
            await KubeconfigMerge.MergeAsync(places.Kubeconfig);
            PrintNext(running);
            return 0;
        }

        Requirements.Check();
        Directory.CreateDirectory(Path.GetDirectoryName(places.Log)!);
        await MountNamespace.EnsureAsync(places);
        if (foreground)
        {
            return await RunForegroundAsync(places, options);
        }

        await StartAsync(places, options);
        await KubeconfigMerge.MergeAsync(places.Kubeconfig);
        var status = await client.FindStatusAsync() ?? throw new CliException($"the daemon ended after its start; its log: {places.Log}");
        PrintNext(status);
        return 0;
    }

    /// <summary>Reads the daemon's step reports from its standard output until it says that it is ready.</summary>
    private static async Task StartAsync(Places places, string[] options)
    {
        using var daemon = Process.Start(StartInfo(places, options, background: true))!;
        while (await daemon.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready")
            {
                return;
            }

            if (JsonSerializer.Deserialize(line, CliJson.Default.StepReport) is { } step)
            {
                StatusCommand.PrintStep(step);
            }
        }

        throw new CliException($"the daemon did not start; the end of its log ({places.Log}):\n{Requirements.Tail(places.Log, 15)}");
    }

    private static async Task<int> RunForegroundAsync(Places places, string[] options)
    {
        // Ctrl-C reaches the daemon too, which is in the same process group: it ends by itself, and this program with it.
        Console.CancelKeyPress += (_, e) => e.Cancel = true;
        using var daemon = Process.Start(StartInfo(places, [.. options, "--foreground"], background: false))!;
        await daemon.WaitForExitAsync();
        return daemon.ExitCode;
    }

    private static ProcessStartInfo StartInfo(Places places, string[] options, bool background)
    {
        // The shell appends standard error to the log, and detaches the daemon from this terminal.
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = background, RedirectStandardInput = background };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(background ? "log=$1; shift; exec setsid nsenter --mount=\"$@\" 2>>\"$log\" </dev/null" : "shift; exec nsenter --mount=\"$@\"");
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
            Console.Out.WriteLine("  Note       only curl and browsers resolve *.localhost here; for every program: apt-get install libnss-myhostname");
        }

        Console.Out.WriteLine("  Next       kubectl --context knet get ksvc -A     knet status     knet image load FILE.tar");
    }
}
