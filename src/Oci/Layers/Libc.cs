using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Knet.Oci.Layers;

/// <summary>
/// The system calls that unpacking needs and the framework lacks. Paths are byte strings (<see cref="Tar.ByteStrings"/>).
/// </summary>
/// <remarks>Constants and the layout of <c>struct stat</c> are those of Linux on x86-64.</remarks>
internal static partial class Libc
{
    internal const int NoEntry = 2;
    internal const int NotEmpty = 39;
    internal const int NotSupported = 95;
    internal const int NotPermitted = 1;

    internal const uint TypeMask = 0xF000;
    internal const uint Fifo = 0x1000;
    internal const uint CharacterDevice = 0x2000;
    internal const uint Directory = 0x4000;
    internal const uint BlockDevice = 0x6000;
    internal const uint RegularFile = 0x8000;
    internal const uint SymbolicLink = 0xA000;

    private const int WriteOnly = 1;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int NoFollow = 0x20000;
    private const int CloseOnExec = 0x80000;
    private const int AtCurrent = -100;
    private const int AtNoFollow = 0x100;

    /// <summary>What <c>lstat</c> says; null if there is nothing.</summary>
    internal static FileStatus? Status(string path)
    {
        var buffer = new StatBuffer();
        if (LStat(path, ref buffer) == 0)
        {
            return new FileStatus(buffer.Mode, buffer.Uid, buffer.Gid, buffer.Size, buffer.Inode, buffer.Links, buffer.Device, buffer.SpecialDevice);
        }

        return Marshal.GetLastPInvokeError() == NoEntry ? null : throw Failed("lstat", path);
    }

    internal static void MakeDirectory(string path, uint mode) => Check(MkDir(path, mode), "mkdir", path);

    internal static void MakeNode(string path, uint mode, uint major, uint minor) =>
        Check(MkNod(path, mode, Device(major, minor)), "mknod", path);

    internal static void MakeSymbolicLink(string target, string path) => Check(SymLink(target, path), "symlink", path);

    internal static void MakeHardLink(string existing, string path) => Check(Link(existing, path), "link", path);

    internal static void ChangeOwner(string path, uint uid, uint gid) => Check(LChown(path, uid, gid), "lchown", path);

    /// <summary>Not for symbolic links, which it would follow.</summary>
    internal static void ChangeMode(string path, uint mode) => Check(ChMod(path, mode), "chmod", path);

    internal static void SetModified(string path, long seconds, int nanoseconds)
    {
        ReadOnlySpan<long> times = [seconds, nanoseconds, seconds, nanoseconds];
        Check(UTimeNsAt(AtCurrent, path, times, AtNoFollow), "utimensat", path);
    }

    internal static void Remove(string path) => Check(Unlink(path), "unlink", path);

    internal static void RemoveDirectory(string path) => Check(RmDir(path), "rmdir", path);

    /// <summary>A new file for writing; fails if anything has the name.</summary>
    internal static SafeFileHandle CreateFile(string path, uint mode)
    {
        var descriptor = Open(path, WriteOnly | Create | Exclusive | NoFollow | CloseOnExec, mode);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failed("open", path);
    }

    /// <summary>An existing file for reading; a symbolic link is not followed.</summary>
    internal static SafeFileHandle OpenFile(string path)
    {
        var descriptor = Open(path, NoFollow | CloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failed("open", path);
    }

    internal static string ReadLink(string path)
    {
        var buffer = new byte[4096];
        var length = ReadLink(path, buffer, buffer.Length);
        return length >= 0 ? Encoding.Latin1.GetString(buffer, 0, (int)length) : throw Failed("readlink", path);
    }

    /// <summary>0, or the error number: not every file system has every attribute, and the caller decides what that means.</summary>
    internal static int SetAttribute(string path, string name, ReadOnlySpan<byte> value) =>
        LSetXAttr(path, name, value, (nuint)value.Length, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>The attribute's value; null if there is none or the file system has no attributes.</summary>
    internal static byte[]? Attribute(string path, string name)
    {
        var buffer = new byte[64 * 1024];   // XATTR_SIZE_MAX
        var length = LGetXAttr(path, name, buffer, (nuint)buffer.Length);
        return length < 0 ? null : buffer[..(int)length];
    }

    internal static IReadOnlyList<string> AttributeNames(string path)
    {
        var buffer = new byte[64 * 1024];   // XATTR_LIST_MAX
        var length = LListXAttr(path, buffer, (nuint)buffer.Length);
        return length <= 0 ? [] : Encoding.Latin1.GetString(buffer, 0, (int)length).TrimEnd('\0').Split('\0');
    }

    /// <summary>The names in a directory, without <c>.</c> and <c>..</c>, in no order.</summary>
    internal static List<string> List(string path)
    {
        var directory = OpenDir(path);
        if (directory == 0)
        {
            throw Failed("opendir", path);
        }

        try
        {
            var names = new List<string>();
            while (true)
            {
                var entry = ReadDir(directory);
                if (entry == 0)
                {
                    return Marshal.GetLastPInvokeError() == 0 ? names : throw Failed("readdir", path);
                }

                var name = NameOf(entry);
                if (name is not ("." or ".."))
                {
                    names.Add(name);
                }
            }
        }
        finally
        {
            _ = CloseDir(directory);
        }
    }

    /// <summary>
    /// Removes a directory with all below it; links are removed, not followed. The framework's call fails at names that are not UTF-8.
    /// </summary>
    internal static void RemoveTree(string path)
    {
        foreach (var name in List(path))
        {
            var child = $"{path}/{name}";
            if (Status(child) is { IsDirectory: true })
            {
                RemoveTree(child);
            }
            else
            {
                Remove(child);
            }
        }

        RemoveDirectory(path);
    }

    /// <summary>Writes a file system's cached data to the disk: one call for a whole tree.</summary>
    internal static void SyncFileSystem(string path)
    {
        using var handle = File.OpenHandle(
            Path.Combine(path, "synced"), FileMode.Create, FileAccess.Write, options: FileOptions.DeleteOnClose);
        Check(SyncFs(handle), "syncfs", path);
    }

    internal static Win32Exception Failed(string call, string path, int error) =>
        new(error, $"{call} {Tar.ByteStrings.ToText(path)}: {Marshal.GetPInvokeErrorMessage(error)}");

    private static Win32Exception Failed(string call, string path) => Failed(call, path, Marshal.GetLastPInvokeError());

    private static void Check(int result, string call, string path)
    {
        if (result != 0)
        {
            throw Failed(call, path);
        }
    }

    // struct dirent of x86-64: inode, offset, record length, type, then the name.
    private static unsafe string NameOf(nint entry) =>
        Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + 19));

    // glibc's makedev.
    private static ulong Device(uint major, uint minor) =>
        ((ulong)(major & 0xFFFFF000) << 32) | ((major & 0xFFF) << 8) | ((ulong)(minor & 0xFFFFFF00) << 12) | (minor & 0xFF);

    [LibraryImport("libc", EntryPoint = "lstat", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int LStat(string path, ref StatBuffer buffer);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int MkDir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "mknod", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int MkNod(string path, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int SymLink(string target, string path);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int Link(string existing, string path);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int LChown(string path, uint uid, uint gid);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int ChMod(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int UTimeNsAt(int directory, string path, ReadOnlySpan<long> times, int flags);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int RmDir(string path);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial nint ReadLink(string path, byte[] buffer, nint size);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial int LSetXAttr(string path, string name, ReadOnlySpan<byte> value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial nint LGetXAttr(string path, string name, byte[] value, nuint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial nint LListXAttr(string path, byte[] list, nuint size);

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true, StringMarshallingCustomType = typeof(ByteStringMarshaller))]
    private static partial nint OpenDir(string path);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint ReadDir(nint directory);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseDir(nint directory);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFs(SafeFileHandle descriptor);

    [StructLayout(LayoutKind.Explicit, Size = 144)]
    private struct StatBuffer
    {
        [FieldOffset(0)] public ulong Device;
        [FieldOffset(8)] public ulong Inode;
        [FieldOffset(16)] public ulong Links;
        [FieldOffset(24)] public uint Mode;
        [FieldOffset(28)] public uint Uid;
        [FieldOffset(32)] public uint Gid;
        [FieldOffset(40)] public ulong SpecialDevice;
        [FieldOffset(48)] public long Size;
    }
}

/// <summary>The part of <c>struct stat</c> that unpacking and packing use.</summary>
internal sealed record FileStatus(uint Mode, uint Uid, uint Gid, long Size, ulong Inode, ulong Links, ulong Device, ulong SpecialDevice)
{
    internal uint Type => Mode & Libc.TypeMask;

    internal bool IsDirectory => Type == Libc.Directory;

    internal uint Major => (uint)(((SpecialDevice >> 8) & 0xFFF) | ((SpecialDevice >> 32) & 0xFFFFF000));

    internal uint Minor => (uint)((SpecialDevice & 0xFF) | ((SpecialDevice >> 12) & 0xFFFFFF00));
}

/// <summary>Passes a byte string (one byte per char) as a C string.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(ByteStringMarshaller))]
internal static unsafe class ByteStringMarshaller
{
    public static byte* ConvertToUnmanaged(string text)
    {
        if (text.Contains('\0'))
        {
            throw new ArgumentException("A path must not contain a NUL character.", nameof(text));
        }

        var memory = (byte*)NativeMemory.Alloc((nuint)text.Length + 1);
        Encoding.Latin1.GetBytes(text, new Span<byte>(memory, text.Length));
        memory[text.Length] = 0;
        return memory;
    }

    public static void Free(byte* memory) => NativeMemory.Free(memory);
}
