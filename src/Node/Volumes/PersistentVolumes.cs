using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Knet.Node.Agent;
using Knet.Node.Runtime;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Volumes;

/// <summary>
/// The directories of persistent volumes on this machine: those of the local-path class lie below <see cref="NodeOptions.VolumesDirectory"/>,
/// are made when a pod first uses them, and go with a volume that is reclaimed by deletion.
/// </summary>
internal sealed partial class PersistentVolumes(KubeClient client, NodeOptions options, WorkerThreads threads, ILogger<PersistentVolumes> logger)
{
    private const UnixFileMode ForAll = (UnixFileMode)0x1ff;

    /// <summary>Where the volume bound to a claim lies; a directory of ours is made if need be.</summary>
    /// <param name="fsGroup">The pod's; the volume's files become its.</param>
    /// <exception cref="VolumeException">There is no such claim, it is not bound, or its volume is none that this node has.</exception>
    public async Task<string> PrepareAsync(string ns, string claimName, long? fsGroup)
    {
        var claim = await client.FindAsync<V1PersistentVolumeClaim>(ns, claimName, CancellationToken.None)
            ?? throw new VolumeException($"error processing PVC {ns}/{claimName}: persistentvolumeclaim \"{claimName}\" not found");
        if (claim.Status?.Phase != "Bound" || string.IsNullOrEmpty(claim.Spec.VolumeName))
        {
            throw new VolumeException($"error processing PVC {ns}/{claimName}: PVC is not bound");
        }

        var name = claim.Spec.VolumeName;
        var volume = await client.FindAsync<V1PersistentVolume>("", name, CancellationToken.None)
            ?? throw new VolumeException($"error processing PVC {ns}/{claimName}: persistentvolume \"{name}\" not found");
        var path = PathOf(volume)
            ?? throw new VolumeException($"persistentvolume \"{name}\" is of a kind that this node does not have: it has hostPath and local");
        await threads.RunAsync(() => Prepare(name, path, fsGroup));
        return path;
    }

    /// <summary>A change that the watch of volumes saw: the directory of a deleted one goes, if its reclaim policy says so.</summary>
    public void Handle(InformerChange<V1PersistentVolume> change)
    {
        if (change is { New: null, Old: { Spec.PersistentVolumeReclaimPolicy: "Delete" } gone } && PathOf(gone) is { } path && IsOurs(path))
        {
            _ = RemoveAsync(gone.Metadata.Name, path);
        }
    }

    private static string? PathOf(V1PersistentVolume volume) => volume.Spec.Local?.Path ?? volume.Spec.HostPath?.Path;

    private bool IsOurs(string path) =>
        Path.GetFullPath(path).StartsWith(options.VolumesDirectory.TrimEnd('/') + "/", StringComparison.Ordinal);

    private void Prepare(string name, string path, long? fsGroup)
    {
        if (IsOurs(path))
        {
            if (!Directory.Exists(path))
            {
                Directory.CreateDirectory(path);
                File.SetUnixFileMode(path, ForAll);
            }

            if (fsGroup is { } group)
            {
                GiveTo((uint)group, path);
            }
        }
        else if (!options.AllowHostPath)
        {
            throw new VolumeException(
                $"persistentvolume \"{name}\" lies at {path}, outside of {options.VolumesDirectory}: refused, as it gives pods the machine; " +
                "knet up --allow-host-path on allows it");
        }
        else if (!Path.Exists(path))
        {
            throw new VolumeException($"path \"{path}\" of persistentvolume \"{name}\" does not exist");
        }
    }

    /// <summary>As kubelet: everything belongs to the group and is writable for it. What has it already is left alone.</summary>
    private static void GiveTo(uint group, string root)
    {
        const UnixFileMode file = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        const UnixFileMode directory = file | UnixFileMode.GroupExecute | UnixFileMode.SetGroup;
        var every = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", every).Prepend(new DirectoryInfo(root)))
        {
            _ = Native.ChangeOwner(entry.FullName, Native.SameOwner, group);
            entry.UnixFileMode |= entry is DirectoryInfo ? directory : file;
        }
    }

    private async Task RemoveAsync(string name, string path)
    {
        if (!await threads.RunAsync(() => NodePaths.TryDelete(path)))
        {
            Log.NotRemoved(logger, name, path);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3601, LogLevel.Warning, "the volume {Volume} was deleted, but its directory {Path} resists and stays")]
        public static partial void NotRemoved(ILogger logger, string volume, string path);
    }
}
