using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Knet.Node.Runtime;

/// <summary>The OCI runtime refused; the message is its own.</summary>
internal sealed class RuntimeException(string message) : Exception(message);

/// <summary>An installed OCI runtime program.</summary>
/// <param name="Name"><c>crun</c> or <c>runc</c>.</param>
internal sealed record RuntimeProgram(string Name, string Path, string Version)
{
    public string Reported => $"{Name}://{Version}";
}

/// <summary>A process that a container runs as, told apart from a later one with the same pid.</summary>
internal sealed record ContainerProcess(int Pid, string StartTime);

/// <summary>
/// Containers through an OCI runtime. conmon (one small process per container) holds their stdio, writes their logs and exit codes, and
/// outlives this process.
/// </summary>
/// <remarks>Blocking: call it from <see cref="WorkerThreads"/>. Bundles lie in a tmpfs; nothing is synced.</remarks>
internal sealed class OciRuntime(RuntimeProgram program, string conmon, NodePaths paths)
{
    public RuntimeProgram Program => program;

    /// <summary>Makes the container: namespaces, mounts, limits; its program is not started yet.</summary>
    /// <returns>The container's first process.</returns>
    /// <exception cref="RuntimeException">The runtime refused: a program that is missing, a mount that failed …</exception>
    public ContainerProcess Create(ContainerSpec spec, string logPath)
    {
        var bundle = paths.Bundle(spec.Id);
        Directory.CreateDirectory(bundle);
        File.WriteAllBytes(Path.Combine(bundle, "config.json"), OciConfig.Write(spec));
        Directory.CreateDirectory(Path.GetDirectoryName(logPath)!);
        Span<int> ends = stackalloc int[2];
        if (Native.Pipe(ends, Native.OCloExec) != 0)
        {
            throw new IOException($"pipe: {Native.LastError()}");
        }

        int keeper;
        try
        {
            // conmon finds its report channel by number: 3, where posix_spawn puts our end of the pipe.
            keeper = Spawn.Start(conmon, ConmonArguments(spec, bundle, logPath), ["_OCI_SYNCPIPE=3"], [(ends[1], 3)]);
        }
        catch (IOException)
        {
            _ = Native.Close(ends[0]);
            throw;
        }
        finally
        {
            _ = Native.Close(ends[1]);
        }

        var report = ReadReport(ends[0]);
        Spawn.Wait(keeper); // the child that matters has left for a life of its own
        var pid = report.Data;
        return pid > 0 && StartTimeOf(pid) is { } started
            ? new ContainerProcess(pid, started)
            : throw new RuntimeException(Explain("create", report.Message));
    }

    /// <exception cref="RuntimeException">The runtime refused.</exception>
    public void Start(string id)
    {
        var (code, output) = Spawn.Run(program.Path, [.. Global(), "start", id]);
        if (code != 0)
        {
            throw new RuntimeException(Explain("start", output));
        }
    }

    /// <summary>Removes the container, killing what is left of it; an absent one is no failure.</summary>
    public void Delete(string id) => _ = Spawn.Run(program.Path, [.. Global(), "delete", "--force", id]);

    /// <summary>The program and arguments that run another process in a container, as <c>exec</c> does.</summary>
    /// <param name="processFile">The process document, see <see cref="OciConfig.WriteExec"/>.</param>
    public (string Program, IReadOnlyList<string> Arguments) Exec(string id, string processFile, string? pidFile)
    {
        var arguments = new List<string>([.. Global(), "exec", "--process", processFile]);
        if (pidFile is not null)
        {
            arguments.AddRange(["--pid-file", pidFile]);
        }

        arguments.Add(id);
        return (program.Path, arguments);
    }

    /// <summary>Sends a signal to the container's first process; false when it is gone.</summary>
    public static bool Signal(ContainerProcess process, int signal)
    {
        var descriptor = Native.OpenPid(process.Pid);
        if (descriptor < 0)
        {
            return false;
        }

        try
        {
            return IsAlive(process) && Native.Signal(descriptor, signal);
        }
        finally
        {
            _ = Native.Close(descriptor);
        }
    }

    public static bool IsAlive(ContainerProcess process) => StartTimeOf(process.Pid) == process.StartTime;

    /// <summary>Tells conmon to open its log file anew, after it was renamed.</summary>
    public void ReopenLog(string id) => Control(id, "2 0 0\n");

    /// <summary>Tells conmon the size of the terminal of whoever looks on.</summary>
    public void Resize(string id, int rows, int columns) =>
        Control(id, string.Create(CultureInfo.InvariantCulture, $"1 {rows} {columns}\n"));

    public string AttachSocket(string id) => Path.Combine(paths.Bundle(id), "attach");

    /// <summary>Field 22 of <c>/proc/pid/stat</c>, or null when there is no such process, or only its shell (a zombie).</summary>
    public static string? StartTimeOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // the name before it may hold anything
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Control(string id, string line)
    {
        var fifo = Path.Combine(paths.Bundle(id), "ctl");
        if (File.Exists(fifo))
        {
            // Opened for both, or it would block while conmon is on its way out.
            using var stream = new FileStream(fifo, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
            stream.Write(Encoding.ASCII.GetBytes(line));
        }
    }

    private IReadOnlyList<string> Global() =>
        program.Name == "crun" ? ["--root", paths.Oci, "--cgroup-manager=cgroupfs"] : ["--root", paths.Oci];

    private List<string> ConmonArguments(ContainerSpec spec, string bundle, string logPath)
    {
        List<string> arguments =
        [
            "--api-version", "1", "-c", spec.Id, "-u", spec.Id, "-n", spec.Id, "-r", program.Path, "-b", bundle,
            "-p", Path.Combine(bundle, "pid"), "-P", Path.Combine(bundle, "conmon.pid"), "-l", $"k8s-file:{logPath}",
            "--exit-dir", paths.Exits, "--persist-dir", bundle, "--no-sync-log", "--full-attach",
        ];
        foreach (var argument in Global())
        {
            arguments.AddRange(["--runtime-arg", argument]);
        }

        if (spec.Terminal)
        {
            arguments.Add("-t");
        }

        if (spec.Stdin)
        {
            arguments.Add("-i");
            if (!spec.StdinOnce)
            {
                arguments.Add("--leave-stdin-open");
            }
        }

        return arguments;
    }

    /// <summary>Reads conmon's first line, <c>{"data": pid, "message": "…"}</c>, and lets go of the pipe.</summary>
    private static (int Data, string Message) ReadReport(int descriptor)
    {
        var bytes = new List<byte>();
        byte one = 0;
        while (Native.Read(descriptor, ref one, 1) is var n && n == 1 && one != '\n')
        {
            bytes.Add(one);
        }

        _ = Native.Close(descriptor);
        if (bytes.Count == 0)
        {
            return (-1, "conmon ended without a word");
        }

        using var json = JsonDocument.Parse(bytes.ToArray());
        var message = json.RootElement.TryGetProperty("message", out var text) ? text.GetString() ?? "" : "";
        return (json.RootElement.GetProperty("data").GetInt32(), message);
    }

    private string Explain(string verb, string output)
    {
        var text = output.Trim().ReplaceLineEndings(" ");
        return $"OCI runtime {verb} failed: {program.Name}: {(text.Length == 0 ? "no reason given" : text)}";
    }
}
