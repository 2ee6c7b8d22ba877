using Knet.Node.Runtime;

namespace Knet.Node.Pods;

/// <summary>
/// The first process of a pod's shared process namespace (shareProcessNamespace): a container of the node's own that does nothing, so
/// that any other may come and go.
/// </summary>
/// <remarks>Recorded like any run, under a name that no container can have; so the next daemon finds it again. Blocking.</remarks>
internal static class PauseContainer
{
    public const string Name = "";
    private const string Program = "/pause";

    /// <summary>Starts it, unless the pod has one that runs.</summary>
    /// <exception cref="RuntimeException">The runtime refused.</exception>
    public static void Ensure(PodContext pod)
    {
        var node = pod.Node;
        if (pod.Pause?.Process is { } process && OciRuntime.IsAlive(process))
        {
            return;
        }

        Remove(pod);
        var id = $"{Guid.NewGuid():n}";
        var root = node.Paths.RootFs(id);
        Directory.CreateDirectory(root);
        File.WriteAllBytes(root + Program, TinyPrograms.Pause());
        File.SetUnixFileMode(root + Program, (UnixFileMode)0x16d); // 0555
        pod.Namespaces.Ensure(PodFiles.Hostname(pod.Pod, node.Options.ClusterDomain));
        var spec = new ContainerSpec
        {
            Id = id, Hostname = PodFiles.Hostname(pod.Pod, node.Options.ClusterDomain), RootPath = root, ReadOnlyRoot = true, Args = [Program],
            CgroupsPath = $"{pod.CgroupsPath}/{id}", NetnsPath = pod.Sandbox!.NetnsPath, User = new(65535, 65535, []),
            IpcPath = pod.Namespaces.Ipc, UtsPath = pod.Namespaces.Uts, ShmPath = pod.Namespaces.Shm,
            OpenFilesMax = node.Rights.OpenFilesMax, OomScoreAdj = Math.Max(-998, node.Rights.OomScoreAdjMin),
        };
        var run = new ContainerRun
        {
            Id = id, PodUid = pod.Uid, Name = Name, Restarts = 0, LogPath = Path.Combine(node.Paths.Bundle(id), "log"), MessagePath = "",
            CgroupsPath = spec.CgroupsPath, Image = "", ImageId = "", Spec = spec,
        };
        pod.Pause = run;
        run = run with { Process = node.Runtime.Create(spec, run.LogPath) };
        node.Runtime.Start(id);
        PodRecord.SaveRun(node.Paths, run);
        pod.Pause = run;
    }

    /// <summary>Ends it; harmless when there is none.</summary>
    public static void Remove(PodContext pod)
    {
        if (pod.Pause is { } run)
        {
            ContainerLauncher.CleanUp(pod.Node.Paths, pod.Node.Runtime, pod.Node.Cgroups, run);
            pod.Node.Exits.Remove(run.Id);
            pod.Pause = null;
        }
    }
}
