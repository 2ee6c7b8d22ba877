using System.ComponentModel;
using Knet.Oci.Layers;

namespace Knet.Node.Runtime;

/// <summary>Where the node keeps things. Everything under <see cref="Run"/> is lost with the machine's power, and may be.</summary>
/// <param name="Run">A tmpfs: bundles, pods' volumes, exit files. Such as <c>/run/knet/node</c>.</param>
/// <param name="Data">On disk: logs and writable layers. Such as <c>/var/lib/knet/node</c>.</param>
internal sealed record NodePaths(string Run, string Data)
{
    public string Exits => Path.Combine(Run, "exits");
    public string Oci => Path.Combine(Run, "oci");
    public string Containers => Path.Combine(Run, "c");
    public string Pods => Path.Combine(Run, "pods");
    public string Logs => Path.Combine(Data, "logs", "pods");
    public string Layers => Path.Combine(Data, "rw");

    public string Bundle(string id) => Path.Combine(Containers, id);
    public string RootFs(string id) => Path.Combine(Containers, id, "rootfs");
    public string ExitFile(string id) => Path.Combine(Exits, id);
    public string Pod(string uid) => Path.Combine(Pods, uid);

    /// <summary>Makes the directories; the run directory becomes a tmpfs unless it is one.</summary>
    /// <remarks>The mount lands in the daemon's own mount namespace and lasts as long as that.</remarks>
    public void Prepare()
    {
        Directory.CreateDirectory(Run);
        if (new DriveInfo(Run).DriveFormat is not "tmpfs")
        {
            Native.MountOrThrow("tmpfs", Run, "tmpfs", Native.MsNoSuid, "mode=0711,size=50%");
        }

        foreach (var directory in (string[])[Exits, Oci, Containers, Pods, Logs, Layers])
        {
            Directory.CreateDirectory(directory);
        }
    }

    /// <summary>Removes a directory with all in it; false when something in it resists (the next start tries again).</summary>
    public static bool TryDelete(string directory)
    {
        try
        {
            if (Directory.Exists(directory))
            {
                FileTrees.Remove(directory);
            }

            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Takes back what <see cref="Prepare"/> mounted; the data stays.</summary>
    public void Release()
    {
        if (Directory.Exists(Run) && new DriveInfo(Run).DriveFormat is "tmpfs" && new DriveInfo(Run).RootDirectory.FullName.TrimEnd('/') == Run)
        {
            _ = Native.Unmount(Run, Native.MntDetach);
        }
    }
}
