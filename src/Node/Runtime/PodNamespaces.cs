using System.Text;

namespace Knet.Node.Runtime;

/// <summary>What the containers of a pod share beside the network: IPC and UTS namespaces, pinned on files, and /dev/shm.</summary>
/// <param name="directory">The pod's own, on a tmpfs; the next daemon finds everything there.</param>
internal sealed class PodNamespaces(string directory)
{
    private const int NewUts = 0x04000000, NewIpc = 0x08000000;

    // What containers get elsewhere too.
    private const string ShmOptions = "mode=1777,size=65536k";
    private readonly Lock _gate = new();
    private bool _made;

    public string Ipc => Path.Combine(directory, "ipc");
    public string Uts => Path.Combine(directory, "uts");
    public string Shm => Path.Combine(directory, "shm");

    /// <summary>Makes them unless they are there. Blocking; only on a thread of <see cref="WorkerThreads"/>.</summary>
    /// <exception cref="IOException">The kernel refused; the message says what.</exception>
    public void Ensure(string hostname)
    {
        lock (_gate)
        {
            var done = Path.Combine(directory, "shared"); // written last: a crash in between leaves it out
            if (!_made && !File.Exists(done))
            {
                Remove(directory);
                Directory.CreateDirectory(Shm);
                Native.MountOrThrow("shm", Shm, "tmpfs", Native.MsNoSuid | Native.MsNoDev | Native.MsNoExec, ShmOptions);
                Pin(hostname);
                File.WriteAllBytes(done, []);
            }

            _made = true;
        }
    }

    /// <summary>Unpins and unmounts; harmless when there is nothing.</summary>
    public static void Remove(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return; // the pod was refused before it had one
        }

        File.Delete(Path.Combine(directory, "shared"));
        foreach (var name in (string[])["ipc", "uts"])
        {
            _ = Native.Unmount(Path.Combine(directory, name), Native.MntDetach);
            File.Delete(Path.Combine(directory, name));
        }

        _ = Native.Unmount(Path.Combine(directory, "shm"), Native.MntDetach);
        NodePaths.TryDelete(Path.Combine(directory, "shm"));
    }

    private void Pin(string hostname)
    {
        File.WriteAllBytes(Ipc, []);
        File.WriteAllBytes(Uts, []);
        using var hostIpc = File.OpenHandle("/proc/thread-self/ns/ipc");
        using var hostUts = File.OpenHandle("/proc/thread-self/ns/uts");
        if (Native.Unshare(NewIpc | NewUts) != 0)
        {
            throw new IOException($"making IPC and UTS namespaces failed: {Native.LastError()}");
        }

        try
        {
            var name = Encoding.UTF8.GetBytes(hostname);
            if (Native.SetHostname(name, name.Length) != 0)
            {
                throw new IOException($"setting the hostname {hostname} failed: {Native.LastError()}");
            }

            Native.MountOrThrow("/proc/thread-self/ns/ipc", Ipc, null, Native.MsBind, null);
            Native.MountOrThrow("/proc/thread-self/ns/uts", Uts, null, Native.MsBind, null);
        }
        finally
        {
            if (Native.EnterNamespace(hostIpc, NewIpc) != 0 || Native.EnterNamespace(hostUts, NewUts) != 0)
            {
                // The descriptors are open and of the right type, so this cannot happen; going on under a pod's name would be worse.
                Environment.FailFast($"cannot return to the host's namespaces: {Native.LastError()}");
            }
        }
    }
}
