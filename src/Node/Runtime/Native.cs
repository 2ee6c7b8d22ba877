using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Runtime;

/// <summary>The calls of libc that .NET has no method for.</summary>
internal static partial class Native
{
    public const ulong MsNoSuid = 2, MsNoDev = 4, MsNoExec = 8, MsRemount = 32, MsBind = 4096, MsRec = 16384;
    public const int MntDetach = 2;

    /// <summary>For <see cref="ChangeOwner"/>: leave the owner as it is.</summary>
    public const uint SameOwner = uint.MaxValue;

    /// <summary>For <see cref="Statx"/>: relative to the working directory.</summary>
    public const int AtCwd = -100;

    public const uint StatxType = 1;
    public const int StatxSize = 256, StatxMode = 28;

    public const int OCloExec = 0x80000;
    public const int SigTerm = 15, SigKill = 9;
    private const long SysPidfdSendSignal = 424, SysPidfdOpen = 434;

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string? type, ulong flags, string? data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int EnterNamespace(SafeFileHandle descriptor, int type);

    [LibraryImport("libc", EntryPoint = "sethostname", SetLastError = true)]
    public static partial int SetHostname(ReadOnlySpan<byte> name, nint length);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeOwner(string path, uint owner, uint group);

    /// <summary>The mode of a file is 16 bits at <see cref="StatxMode"/> of the answer, 256 bytes; links are followed.</summary>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(int directory, string path, int flags, uint mask, ref byte answer);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, ref byte buffer, nint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(Span<int> ends, int flags);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitPid(int pid, out int status, int options);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Syscall(long number, long a, long b, long c, long d);

    /// <summary>A descriptor that stands for the process, or -1: a reused pid is never signalled by it.</summary>
    public static int OpenPid(int pid) => (int)Syscall(SysPidfdOpen, pid, 0, 0, 0);

    public static bool Signal(int pidDescriptor, int signal) => Syscall(SysPidfdSendSignal, pidDescriptor, signal, 0, 0) == 0;

    /// <exception cref="IOException">The kernel refused; the message says what and why.</exception>
    public static void MountOrThrow(string source, string target, string? type, ulong flags, string? data)
    {
        if (Mount(source, target, type, flags, data) != 0)
        {
            throw new IOException($"mounting {type ?? source} on {target} failed: {LastError()} (options {data})");
        }
    }

    public static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
