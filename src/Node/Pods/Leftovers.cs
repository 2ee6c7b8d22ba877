using Knet.Node.Agent;
using Knet.Node.Runtime;
using Knet.Node.Volumes;

namespace Knet.Node.Pods;

/// <summary>Removes what pods left on this machine that nobody follows: processes, containers, mounts, control groups, files.</summary>
internal sealed class Leftovers(NodeServices node)
{
    // The kernel takes its time to end a killed process, and keeps its control group for that long.
    private static readonly TimeSpan DyingPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DyingMax = TimeSpan.FromSeconds(10);

    /// <param name="kept">Uids of the pods that live.</param>
    public async Task RemoveAsync(IReadOnlySet<string> kept)
    {
        await node.Threads.RunAsync(() => Remove(kept));
        var begun = node.Time.GetTimestamp();
        var left = true;
        while (left && node.Time.GetElapsedTime(begun) < DyingMax)
        {
            await node.Threads.RunAsync(() => left = !RemoveCgroups(kept));
            if (left)
            {
                await Task.Delay(DyingPoll, node.Time);
            }
        }
    }

    private void Remove(IReadOnlySet<string> kept)
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

        _ = RemoveCgroups(kept); // their processes end before their files go
        foreach (var uid in Directory.EnumerateDirectories(paths.Pods).Select(d => Path.GetFileName(d)!).Where(u => !kept.Contains(u)))
        {
            PodVolumes.RemoveFiles(paths, uid);
            PodNamespaces.Remove(paths.Pod(uid));
            NodePaths.TryDelete(paths.Pod(uid));
        }
    }

    /// <summary>False when one is still there.</summary>
    private bool RemoveCgroups(IReadOnlySet<string> kept)
    {
        var removed = true;
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

            removed &= node.Cgroups.Remove($"{root}/{group}");
        }

        return removed && (kept.Count > 0 || node.Cgroups.Remove(root));
    }
}
