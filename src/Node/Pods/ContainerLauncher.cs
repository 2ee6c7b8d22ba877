using System.Diagnostics;
using k8s.Models;
using Knet.DataPlane.Stats;
using Knet.Node.Runtime;
using Knet.Oci;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Pods;

/// <summary>The runtime could not start the container; shown as StartError and retried like a crash.</summary>
internal sealed class ContainerStartException(string message, ContainerRun run) : Exception(message)
{
    public ContainerRun Run { get; } = run;
}

/// <summary>Makes a container run: root file system, configuration, creation, start. One visit to a worker thread in all.</summary>
internal sealed partial class ContainerLauncher(PodContext pod)
{
    private readonly ILogger _logger = pod.Node.Loggers.CreateLogger<ContainerLauncher>();
    private const long EtcFileBytesMax = 1 << 20;

    /// <exception cref="ContainerConfigException">The pod asks for what cannot be, or refers to what is not there.</exception>
    /// <exception cref="ContainerStartException">The runtime refused.</exception>
    public async Task<ContainerRun> LaunchAsync(ContainerSlot slot, LocalImage image)
    {
        var node = pod.Node;
        var env = await ContainerEnvironment.ResolveAsync(pod.Pod, slot.Container, Sources());
        var run = new ContainerRun
        {
            Id = $"{Guid.NewGuid():n}",
            PodUid = pod.Uid,
            Name = slot.Name,
            Restarts = slot.Restarts,
            LogPath = pod.LogPath(slot.Name, slot.Restarts),
            MessagePath = Path.Combine(pod.Directory, "containers", slot.Name, $"{slot.Restarts}"),
            CgroupsPath = "",
            Image = slot.Container.Image,
            ImageId = Reference(image),
            StopSignal = slot.Container.Lifecycle?.StopSignal ?? image.Config.StopSignal ?? "SIGTERM",
        };
        run = run with { CgroupsPath = $"{pod.CgroupsPath}/{run.Id}" };
        return await node.Threads.RunAsync(() => Launch(slot, image, env, run));
    }

    /// <summary>Removes all that a run left: runtime state, cgroup, mounts, files. The log stays.</summary>
    public static void CleanUp(NodePaths paths, OciRuntime runtime, Cgroups cgroups, ContainerRun run)
    {
        runtime.Delete(run.Id);
        cgroups.Remove(run.CgroupsPath);
        Overlay.Unmount(paths.RootFs(run.Id));
        NodePaths.TryDelete(paths.Bundle(run.Id));
        NodePaths.TryDelete(Path.Combine(paths.Layers, run.Id));
    }

    private ContainerRun Launch(ContainerSlot slot, LocalImage image, IReadOnlyDictionary<string, string> env, ContainerRun run)
    {
        var node = pod.Node;
        var root = node.Paths.RootFs(run.Id);
        var begun = Stopwatch.GetTimestamp();
        try
        {
            var hostname = PodFiles.Hostname(pod.Pod, node.Options.ClusterDomain);
            pod.Namespaces.Ensure(hostname);
            Overlay.Mount(image.LayerDirectories, Path.Combine(node.Paths.Layers, run.Id), root);
            var spec = ContainerSpecs.Of(new ContainerInputs
            {
                Id = run.Id,
                Pod = pod.Pod,
                Container = slot.Container,
                Hostname = hostname,
                Image = image.Config,
                Env = env,
                Passwd = ReadEtc(root, "passwd"),
                Group = ReadEtc(root, "group"),
                RootPath = root,
                CgroupsPath = run.CgroupsPath,
                NetnsPath = pod.Sandbox!.NetnsPath,
                Shared = pod.Namespaces,
                PidPath = pod.Pause?.Process is { } pause ? $"/proc/{pause.Pid}/ns/pid" : null,
                Mounts = Mounts(slot, run, env),
                Rights = node.Rights,
                NodeMemoryBytes = node.MemoryBytes,
                PidsMax = node.Options.PidsMax,
            });
            var prepared = Stopwatch.GetTimestamp();
            var process = node.Runtime.Create(spec, run.LogPath);
            var made = Stopwatch.GetTimestamp();
            var created = run with { Process = process, StartedAt = node.NowSeconds, Spec = spec };
            node.Runtime.Start(run.Id);

            // Not before it was started: after a crash in between, the next daemon would follow a program that nobody starts.
            PodRecord.SaveRun(node.Paths, created);
            Log.Launched(
                _logger, pod.FullName, slot.Name, Stopwatch.GetElapsedTime(begun, prepared).TotalMilliseconds,
                Stopwatch.GetElapsedTime(prepared, made).TotalMilliseconds, Stopwatch.GetElapsedTime(made).TotalMilliseconds);
            if (pod.Revision is { } revision)
            {
                node.ColdStarts.Mark(pod.Namespace, revision, ColdStartPhase.Started);
            }

            return created;
        }
        catch (Exception e) when (e is RuntimeException or IOException or ContainerConfigException)
        {
            CleanUp(node.Paths, node.Runtime, node.Cgroups, run);
            node.Exits.Remove(run.Id);
            throw e is ContainerConfigException ? e : new ContainerStartException(e.Message, run);
        }
    }

    private List<ContainerMount> Mounts(ContainerSlot slot, ContainerRun run, IReadOnlyDictionary<string, string> env)
    {
        var container = slot.Container;
        var readOnlyRoot = container.SecurityContext?.ReadOnlyRootFilesystem == true;
        var mounts = new List<ContainerMount>();
        foreach (var name in (string[])["hosts", "hostname", "resolv.conf"])
        {
            mounts.Add(ContainerMount.Bind(Path.Combine(pod.Directory, name), $"/etc/{name}", readOnlyRoot));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(run.MessagePath)!);
        File.WriteAllBytes(run.MessagePath, []);
        File.SetUnixFileMode(run.MessagePath, (UnixFileMode)0x1b6); // 0666: whatever user the container runs as
        var messages = string.IsNullOrEmpty(container.TerminationMessagePath) ? "/dev/termination-log" : container.TerminationMessagePath;
        mounts.Add(ContainerMount.Bind(run.MessagePath, messages, readOnly: false));
        foreach (var mount in container.VolumeMounts ?? [])
        {
            mounts.Add(pod.Volumes!.Mount(mount, n => env.GetValueOrDefault(n)));
        }

        // A volume on one of our places replaces it.
        return [.. mounts.GroupBy(m => m.Destination.TrimEnd('/')).Select(g => g.Last())];
    }

    private EnvironmentSources Sources() => new(
        name => pod.Node.Objects.GetAsync<V1ConfigMap>(pod.Namespace, name),
        name => pod.Node.Objects.GetAsync<V1Secret>(pod.Namespace, name),
        pod.Node.ServiceEnvironment.For(pod.Pod),
        pod.Sandbox!.Ip,
        pod.Node.Options.Address,
        pod.Node.MemoryBytes,
        Environment.ProcessorCount);

    /// <summary>A regular file of the image. A link could lead out of the image, a device could block: both count as absent.</summary>
    private static string ReadEtc(string root, string name)
    {
        var etc = new DirectoryInfo(Path.Combine(root, "etc"));
        var file = new FileInfo(Path.Combine(root, "etc", name));
        return etc is { Exists: true, LinkTarget: null } && file is { Exists: true, LinkTarget: null, Length: > 0 and < EtcFileBytesMax }
            && (file.Attributes & FileAttributes.Device) == 0
            ? File.ReadAllText(file.FullName)
            : "";
    }

    /// <summary>The image by digest, as kubelet reports it: <c>repository@sha256:…</c>.</summary>
    private static string Reference(LocalImage image)
    {
        var name = image.Reference.Split('@')[0];
        var colon = name.LastIndexOf(':');
        var repository = colon > name.LastIndexOf('/') ? name[..colon] : name;
        return image.Digest.Length > 0 ? $"{repository}@{image.Digest}" : image.ImageId;
    }

    private static partial class Log
    {
        [LoggerMessage(
            3504, LogLevel.Debug,
            "{Pod}: container {Container} runs: prepared in {Prepared:0.0}, created in {Created:0.0}, started in {Started:0.0} ms")]
        public static partial void Launched(ILogger logger, string pod, string container, double prepared, double created, double started);
    }
}
