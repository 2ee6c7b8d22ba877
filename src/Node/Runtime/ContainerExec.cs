using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Knet.Node.Runtime;

/// <summary>Runs commands in running containers: exec probes and hooks, which want an exit code and the beginning of the output.</summary>
internal sealed class ContainerExec(OciRuntime runtime, NodePaths paths, TimeProvider time)
{
    private const int OutputMax = 10 * 1024; // kubelet's for probes

    /// <returns>The exit code, or null when it took longer than <paramref name="timeout"/> (it is killed then), and what it wrote.</returns>
    public async Task<(int? Code, string Output)> RunAsync(
        string id, ContainerSpec spec, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var prefix = Path.Combine(paths.Bundle(id), $"exec-{Guid.NewGuid():n}");
        await File.WriteAllBytesAsync(prefix + ".json", OciConfig.WriteExec(spec, command, terminal: false), cancellationToken);
        var (program, arguments) = runtime.Exec(id, prefix + ".json", prefix + ".pid");
        using var process = Start(program, arguments);
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var output = new StringBuilder();
        try
        {
            await Task.WhenAll(ReadAsync(process.StandardOutput, output, both.Token), ReadAsync(process.StandardError, output, both.Token));
            await process.WaitForExitAsync(both.Token);
            return (process.ExitCode, output.ToString());
        }
        catch (OperationCanceledException)
        {
            Kill(process, prefix + ".pid");
            cancellationToken.ThrowIfCancellationRequested();
            return (null, output.ToString());
        }
        finally
        {
            File.Delete(prefix + ".json");
            File.Delete(prefix + ".pid");
        }
    }

    /// <summary>Starts a program with pipes for its stdio; its stdin is closed.</summary>
    private static Process Start(string program, IReadOnlyList<string> arguments)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        var process = Process.Start(info) ?? throw new IOException($"cannot start {program}");
        process.StandardInput.Close();
        return process;
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder output, CancellationToken cancellationToken)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            lock (output)
            {
                if (output.Length < OutputMax)
                {
                    output.Append(buffer, 0, Math.Min(count, OutputMax - output.Length));
                }
            }
        }
    }

    private static void Kill(Process process, string pidFile)
    {
        if (File.Exists(pidFile) && int.TryParse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture, out var pid)
            && OciRuntime.StartTimeOf(pid) is { } started)
        {
            OciRuntime.Signal(new ContainerProcess(pid, started), Native.SigKill);
        }

        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            return; // it ended in between
        }
    }
}
