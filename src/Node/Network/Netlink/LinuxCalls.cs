using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Network.Netlink;

/// <summary>System calls for raw sockets and namespace files; the rest is in <see cref="Runtime.Native"/>.</summary>
internal static partial class LinuxCalls
{
    public const int NewNetworkNamespace = 0x40000000;
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

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
