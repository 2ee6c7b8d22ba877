using System.Runtime.InteropServices;
using Knet.Node.Runtime;

namespace Knet.Node.Volumes;

/// <summary>What a hostPath volume says of its path, checked as kubelet does and in its words.</summary>
internal static class HostPathType
{
    private const int DirectoryMode = 0x1ed, PlainMode = 0x1a4; // 0755, 0644

    /// <summary>Makes what is to be made, and checks the rest. A path of no type is made as a directory, as container runtimes do.</summary>
    /// <exception cref="VolumeException">The path is missing, or something else.</exception>
    public static void Check(string path, string type)
    {
        if (type is "DirectoryOrCreate" or "" && !Path.Exists(path))
        {
            Directory.CreateDirectory(path, (UnixFileMode)DirectoryMode);
        }
        else if (type == "FileOrCreate" && !Path.Exists(path))
        {
            CreateFile(path);
        }

        var wanted = type switch
        {
            "Directory" or "DirectoryOrCreate" => "directory",
            "File" or "FileOrCreate" => "file",
            "Socket" => "socket file",
            "CharDevice" => "character device",
            "BlockDevice" => "block device",
            _ => null,
        };
        if (wanted is not null && KindOf(path) != wanted)
        {
            throw new VolumeException($"hostPath type check failed: {path} is not a {wanted}");
        }
    }

    private static void CreateFile(string path)
    {
        try
        {
            using var file = new FileStream(
                path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = (UnixFileMode)PlainMode });
        }
        catch (DirectoryNotFoundException)
        {
            throw new VolumeException($"hostPath type check failed: {path} is not a file, and cannot be made without its directory");
        }
    }

    private static string KindOf(string path)
    {
        var answer = new byte[Native.StatxSize];
        if (Native.Statx(Native.AtCwd, path, 0, Native.StatxType, ref MemoryMarshal.GetArrayDataReference(answer)) != 0)
        {
            return "";
        }

        // The format bits of st_mode, as inode(7) has them.
        return (BitConverter.ToUInt16(answer, Native.StatxMode) & 0xf000) switch
        {
            0x4000 => "directory",
            0x8000 => "file",
            0xc000 => "socket file",
            0x2000 => "character device",
            0x6000 => "block device",
            _ => "",
        };
    }
}
