using System.Globalization;
using Knet.Node.Runtime;

namespace Knet.Node.Volumes;

/// <summary>
/// Writes a volume's files so that readers see the old set or the new one, never a mixture: files lie in a dated directory, the link
/// <c>..data</c> points to it, and the visible names are links through that.
/// </summary>
internal static class AtomicDirectory
{
    private const string Data = "..data";

    /// <param name="group">The pod's fsGroup: files and directories become its, and readable for it.</param>
    /// <returns>False when the directory shows these files already.</returns>
    public static bool Write(string directory, IReadOnlyDictionary<string, PayloadFile> files, DateTimeOffset now, long? group)
    {
        Directory.CreateDirectory(directory);
        var link = Path.Combine(directory, Data);
        var old = Directory.Exists(link) ? new DirectoryInfo(link).LinkTarget : null;
        if (old is not null && Shows(Path.Combine(directory, old), files))
        {
            return false;
        }

        var name = ".." + now.UtcDateTime.ToString("yyyy_MM_dd_HH_mm_ss.fffffff", CultureInfo.InvariantCulture);
        var fresh = Path.Combine(directory, name);
        Directory.CreateDirectory(fresh);
        File.SetUnixFileMode(fresh, (UnixFileMode)0x1ed); // 0755
        foreach (var (path, file) in files)
        {
            WriteFile(fresh, path, file, group);
        }

        if (group is { } gid)
        {
            GiveDirectories(directory, fresh, (uint)gid);
        }

        var temporary = Path.Combine(directory, "..data_tmp");
        File.Delete(temporary);
        File.CreateSymbolicLink(temporary, name);
        if (Native.Rename(temporary, link) != 0)
        {
            throw new IOException($"cannot replace {link}: {Native.LastError()}");
        }

        ShowNames(directory, files.Keys.Select(p => p.Split('/')[0]).ToHashSet());
        if (old is not null)
        {
            Directory.Delete(Path.Combine(directory, old), recursive: true);
        }

        return true;
    }

    private static void WriteFile(string root, string path, PayloadFile file, long? group)
    {
        var target = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllBytes(target, file.Content);
        var mode = file.Mode | (group is null ? 0 : 0x120); // 0440
        if (group is not null || file.Owner is not null)
        {
            _ = Native.ChangeOwner(target, (uint)(file.Owner ?? 0), (uint)(group ?? 0));
        }

        File.SetUnixFileMode(target, (UnixFileMode)(mode & 0x1ff));
    }

    private static void GiveDirectories(string directory, string fresh, uint group)
    {
        foreach (var place in Directory.GetDirectories(fresh, "*", SearchOption.AllDirectories).Append(fresh).Append(directory))
        {
            _ = Native.ChangeOwner(place, 0, group);
            File.SetUnixFileMode(place, (UnixFileMode)0x5ed); // 2755
        }
    }

    private static void ShowNames(string directory, HashSet<string> names)
    {
        foreach (var name in names)
        {
            var visible = new FileInfo(Path.Combine(directory, name));
            if (visible.LinkTarget is null)
            {
                File.CreateSymbolicLink(visible.FullName, $"{Data}/{name}");
            }
        }

        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
        {
            if (!entry.Name.StartsWith("..", StringComparison.Ordinal) && !names.Contains(entry.Name))
            {
                entry.Delete();
            }
        }
    }

    private static bool Shows(string directory, IReadOnlyDictionary<string, PayloadFile> files)
    {
        var present = Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(directory, f)).ToHashSet(StringComparer.Ordinal);
        return present.SetEquals(files.Keys)
            && files.All(f => File.ReadAllBytes(Path.Combine(directory, f.Key)).AsSpan().SequenceEqual(f.Value.Content));
    }
}
