using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Network.Netlink;

/// <summary>System calls for namespaces, mounts and raw sockets.</summary>
internal static partial class LinuxCalls
{
    public const int NewNetworkNamespace = 0x40000000;
    public const int BindMount = 4096;
    public const int DetachMount = 2;
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>A descriptor of a namespace file.</summary>
    /// <exception cref="NetworkException">There is no such file.</exception>
    public static SafeFileHandle OpenNamespace(string path)
    {
        var handle = Open(path, ReadOnlyCloseOnExec);
        return handle.IsInvalid ? throw Failure($"opening {path}") : handle;
    }

    /// <summary>An exception with the text of the last error.</summary>
    public static NetworkException Failure(string step) => new($"{step}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial SafeFileHandle Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeFileHandle socket, ReadOnlySpan<byte> buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeFileHandle socket, Span<byte> buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int EnterNamespace(SafeFileHandle fd, int type);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string? type, nuint flags, nint data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
