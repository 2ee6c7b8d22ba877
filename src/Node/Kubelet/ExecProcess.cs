using System.Diagnostics;
using Knet.Node.Agent;
using Knet.Node.Pods;
using Knet.Node.Runtime;

namespace Knet.Node.Kubelet;

/// <summary>A command that runs in a container for a user: its streams, its terminal, its end.</summary>
internal sealed class ExecProcess : IAsyncDisposable
{
    private readonly NodeServices _node;
    private readonly string _file;
    private readonly Process? _piped;
    private readonly Terminal? _terminal;
    private readonly int _pid;

    private ExecProcess(NodeServices node, string file, Process? piped, Terminal? terminal, int pid)
    {
        (_node, _file, _piped, _terminal, _pid) = (node, file, piped, terminal, pid);
        Output = piped?.StandardOutput.BaseStream ?? terminal!.Stream;
    }

    public Stream Output { get; }

    /// <summary>Null with a terminal: there all output is one stream.</summary>
    public Stream? Error => _piped?.StandardError.BaseStream;

    /// <exception cref="IOException">The runtime could not be started.</exception>
    public static ExecProcess Start(NodeServices node, ContainerRun run, IReadOnlyList<string> command, bool tty, bool stdin)
    {
        var file = Path.Combine(node.Paths.Bundle(run.Id), $"exec-{Guid.NewGuid():n}.json");
        File.WriteAllBytes(file, OciConfig.WriteExec(run.Spec!, command, tty));
        var (program, arguments) = node.Runtime.Exec(run.Id, file, null);
        if (tty)
        {
            var terminal = Terminal.Open();
            return new ExecProcess(node, file, null, terminal, Spawn.StartOnTerminal(program, arguments, terminal.Path));
        }

        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        var process = Process.Start(info) ?? throw new IOException($"cannot start {program}");
        if (!stdin)
        {
            process.StandardInput.Close();
        }

        return new ExecProcess(node, file, process, null, process.Id);
    }

    /// <summary>Hands input on; null closes it.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte>? data)
    {
        try
        {
            if (data is { } bytes)
            {
                var stream = _piped?.StandardInput.BaseStream ?? _terminal!.Stream;
                await stream.WriteAsync(bytes);
                await stream.FlushAsync();
            }
            else
            {
                _piped?.StandardInput.Close();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return; // the program reads no more
        }
    }

    public void Resize(int rows, int columns)
    {
        _terminal?.Resize(rows, columns);
    }

    public void Kill() => _ = Native.Kill(_pid, Native.SigTerm);

    public async Task<int> WaitAsync()
    {
        if (_piped is { } piped)
        {
            await piped.WaitForExitAsync();
            return piped.ExitCode;
        }

        return await _node.Threads.RunAsync(() => Spawn.Wait(_pid));
    }

    public ValueTask DisposeAsync()
    {
        _piped?.Dispose();
        _terminal?.Dispose();
        File.Delete(_file);
        return ValueTask.CompletedTask;
    }
}
