using Microsoft.Extensions.Logging;

namespace Knet.Node.Runtime;

/// <summary>
/// Chooses the OCI runtime at start by really running a container with each candidate, through the same code as pods take: overlay
/// mount, conmon, namespaces, control groups, seccomp.
/// </summary>
internal sealed partial class RuntimeSelfTest(NodePaths paths, string cgroupRoot, TimeProvider time, ILogger<RuntimeSelfTest> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Why a candidate was refused, by its name.</summary>
    public Dictionary<string, string> Refused { get; } = [];

    /// <summary>The first candidate that runs a container; also where writable layers may lie.</summary>
    /// <exception cref="InvalidOperationException">None does; the message has the reason for each.</exception>
    public async Task<OciRuntime> ChooseAsync(IReadOnlyList<string> candidates, ContainerExits exits, WorkerThreads threads)
    {
        var conmon = Find("conmon") ?? throw new InvalidOperationException(
            "conmon is not installed: it holds the containers' output and exit codes (Debian and Fedora package: conmon)");
        foreach (var name in candidates)
        {
            if (Find(name) is not { } path)
            {
                Refused[name] = "not installed";
                continue;
            }

            var runtime = new OciRuntime(new RuntimeProgram(Path.GetFileName(name), path, await VersionAsync(path, threads)), conmon, paths);
            if (await TryAsync(runtime, exits, threads) is { } problem)
            {
                Refused[name] = problem;
                Log.RuntimeRefused(logger, name, problem);
                continue;
            }

            Log.RuntimeChosen(logger, runtime.Program.Reported);
            return runtime;
        }

        throw new InvalidOperationException(
            "no OCI runtime works on this machine: " + string.Join("; ", Refused.Select(r => $"{r.Key}: {r.Value}")) +
            " (install crun or runc, or name one with the runtime option)");
    }

    private async Task<string?> TryAsync(OciRuntime runtime, ContainerExits exits, WorkerThreads threads)
    {
        var id = $"selftest-{Guid.NewGuid():n}"[..24];
        var layer = Path.Combine(paths.Run, id, "layer");
        var writable = Path.Combine(paths.Layers, id);
        try
        {
            await threads.RunAsync(() => Launch(runtime, id, layer, writable));
            var exit = await exits.WaitAsync(id).WaitAsync(Patience, time);
            return exit.Code == 0 ? null : $"the test program ended with exit code {exit.Code}";
        }
        catch (Exception e) when (e is RuntimeException or IOException or TimeoutException or PlatformNotSupportedException)
        {
            return e.Message;
        }
        finally
        {
            await threads.RunAsync(() => CleanUp(runtime, id, layer, writable));
            exits.Remove(id);
        }
    }

    private void Launch(OciRuntime runtime, string id, string layer, string writable)
    {
        Directory.CreateDirectory(layer);
        var program = Path.Combine(layer, "exit");
        File.WriteAllBytes(program, TinyPrograms.Exit());
        File.SetUnixFileMode(program, (UnixFileMode)0x1ed);
        Overlay.Mount([layer], writable, paths.RootFs(id));
        var rights = HostRights.Detect();
        var spec = new ContainerSpec
        {
            Id = id, Hostname = "selftest", RootPath = paths.RootFs(id), Args = ["/exit"],
            CgroupsPath = $"{cgroupRoot}/{id}",
            Capabilities = Capabilities.Of([], [], false, rights.Capabilities),
            OpenFilesMax = rights.OpenFilesMax,
            OomScoreAdj = Math.Max(0, rights.OomScoreAdjMin),
            Limits = new ContainerLimits(64 << 20, 100, 50_000, 100),
        };
        runtime.Create(spec, Path.Combine(writable, "log"));
        runtime.Start(id);
    }

    private void CleanUp(OciRuntime runtime, string id, string layer, string writable)
    {
        runtime.Delete(id);
        Overlay.Unmount(paths.RootFs(id));
        Cgroups.Detect().Remove($"{cgroupRoot}/{id}");
        foreach (var directory in (string[])[paths.Bundle(id), Path.GetDirectoryName(layer)!, writable])
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    private static string? Find(string program) =>
        program.StartsWith('/')
            ? File.Exists(program) ? program : null
            : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".Split(':')
                .Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    private static async Task<string> VersionAsync(string path, WorkerThreads threads)
    {
        var (_, output) = await threads.RunAsync(() => Spawn.Run(path, ["--version"]));
        var words = output.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 2 ? words[2].Trim() : "unknown";
    }

    private static partial class Log
    {
        [LoggerMessage(3514, LogLevel.Information, "containers run with {Runtime}")]
        public static partial void RuntimeChosen(ILogger logger, string runtime);

        [LoggerMessage(3515, LogLevel.Warning, "the OCI runtime {Runtime} does not work here: {Reason}")]
        public static partial void RuntimeRefused(ILogger logger, string runtime, string reason);
    }
}
