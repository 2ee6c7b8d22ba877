using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Runtime;

/// <summary>A pseudo-terminal of this machine; the OCI runtime copies between it and the one inside the container.</summary>
internal sealed partial class Terminal : IDisposable
{
    private const int ReadWrite = 2, NoControllingTerminal = 0x100;
    private const ulong SetWindowSize = 0x5414;
    private readonly SafeFileHandle _master;

    private Terminal(SafeFileHandle master, string path)
    {
        (_master, Path) = (master, path);
        Stream = new FileStream(master, FileAccess.ReadWrite, 1, isAsync: false);
    }

    /// <summary>The side that programs open, such as <c>/dev/pts/7</c>.</summary>
    public string Path { get; }

    /// <summary>What the program writes, and what it is to read.</summary>
    public Stream Stream { get; }

    /// <exception cref="IOException">The kernel has none left.</exception>
    public static Terminal Open()
    {
        var master = OpenMaster(ReadWrite | NoControllingTerminal | Native.OCloExec);
        var name = new byte[128];
        if (master < 0 || Unlock(master) != 0 || NameOf(master, ref name[0], name.Length) != 0)
        {
            throw new IOException($"no pseudo-terminal: {Native.LastError()}");
        }

        return new Terminal(new SafeFileHandle(master, ownsHandle: true), Encoding.ASCII.GetString(name, 0, Array.IndexOf(name, (byte)0)));
    }

    /// <summary>The kernel tells the programs on the terminal (SIGWINCH).</summary>
    public void Resize(int rows, int columns)
    {
        Span<ushort> size = [(ushort)rows, (ushort)columns, 0, 0];
        _ = Control((int)_master.DangerousGetHandle(), SetWindowSize, ref size[0]);
    }

    public void Dispose() => Stream.Dispose();

    [LibraryImport("libc", EntryPoint = "posix_openpt", SetLastError = true)]
    private static partial int OpenMaster(int flags);

    [LibraryImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static partial int Unlock(int descriptor);

    [LibraryImport("libc", EntryPoint = "ptsname_r", SetLastError = true)]
    private static partial int NameOf(int descriptor, ref byte buffer, nint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, ulong request, ref ushort size);
}
