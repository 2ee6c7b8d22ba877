using Knet.Node.Agent;
using Knet.Node.Runtime;
using Knet.Node.Volumes;

namespace Knet.Node.Pods;

/// <summary>Removes what pods left on this machine that nobody follows: processes, containers, mounts, control groups, files.</summary>
/// <remarks>Blocking: call it from <see cref="WorkerThreads"/>.</remarks>
internal sealed class Leftovers(NodeServices node)
{
    /// <param name="kept">Uids of the pods that live.</param>
    public void Remove(IReadOnlySet<string> kept)
    {
        var paths = node.Paths;
        var runs = Directory.EnumerateDirectories(paths.Containers).Select(d => Path.GetFileName(d)!).ToList();
        var keptRuns = PodRecord.LoadAll(paths).SelectMany(r => r.Runs).Where(r => kept.Contains(r.PodUid)).Select(r => r.Id).ToHashSet();
        foreach (var id in runs.Where(id => !keptRuns.Contains(id)))
        {
            node.Runtime.Delete(id);
            Overlay.Unmount(paths.RootFs(id));
            NodePaths.TryDelete(paths.Bundle(id));
            node.Exits.Remove(id);
        }

        foreach (var layer in Directory.EnumerateDirectories(paths.Layers).Where(d => !keptRuns.Contains(Path.GetFileName(d))))
        {
            NodePaths.TryDelete(layer);
        }

        RemoveCgroups(kept);
        foreach (var uid in Directory.EnumerateDirectories(paths.Pods).Select(d => Path.GetFileName(d)!).Where(u => !kept.Contains(u)))
        {
            PodVolumes.RemoveFiles(paths, uid);
            NodePaths.TryDelete(paths.Pod(uid));
        }
    }

    private void RemoveCgroups(IReadOnlySet<string> kept)
    {
        var root = node.Options.CgroupRoot;
        bool IsKept(string group) => group.StartsWith("pod", StringComparison.Ordinal) && kept.Contains(group[3..]);
        foreach (var group in node.Cgroups.Children(root).Where(g => !IsKept(g)))
        {
            foreach (var pid in node.Cgroups.Processes($"{root}/{group}"))
            {
                if (OciRuntime.StartTimeOf(pid) is { } started)
                {
                    OciRuntime.Signal(new ContainerProcess(pid, started), Native.SigKill);
                }
            }

            node.Cgroups.Remove($"{root}/{group}");
        }

        if (kept.Count == 0)
        {
            node.Cgroups.Remove(root);
        }
    }
}
