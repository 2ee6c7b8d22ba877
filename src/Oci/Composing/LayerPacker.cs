using Knet.Oci.Layers;
using Knet.Oci.Tar;

namespace Knet.Oci.Composing;

/// <summary>Packs files into a layer's tar: parents before children, sorted by bytes, hard links kept.</summary>
internal sealed class LayerPacker(TarWriter tar, DateTimeOffset time)
{
    private const uint DirectoryMode = 0x1ED;   // 0755
    private const uint PlainMode = 0x1A4;        // 0644
    private const uint AnyExecute = 0x49;       // 0111

    private readonly HashSet<string> _directories = [""];
    private readonly Dictionary<(ulong Device, ulong Inode), string> _links = [];

    internal void Pack(LayerSource source, CancellationToken cancellationToken)
    {
        switch (source)
        {
            case DirectoryLayer directory:
                PackTree(directory, cancellationToken);
                break;
            case FilesLayer files:
                foreach (var file in files.Files.OrderBy(f => f.Path, StringComparer.Ordinal))
                {
                    PackFile(file);
                }

                break;
            default:
                throw new ArgumentException($"A layer cannot be made from {source.GetType().Name}.", nameof(source));
        }
    }

    // Relative byte strings; a directory comes before what is in it.
    private static IEnumerable<string> Entries(string root, string directory)
    {
        foreach (var name in Libc.List(directory.Length == 0 ? root : $"{root}/{directory}").Order(StringComparer.Ordinal))
        {
            var path = directory.Length == 0 ? name : $"{directory}/{name}";
            yield return path;
            if (Libc.Status($"{root}/{path}") is { IsDirectory: true })
            {
                foreach (var below in Entries(root, path))
                {
                    yield return below;
                }
            }
        }
    }

    private void PackTree(DirectoryLayer source, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(source.Directory))
        {
            throw new ImageException($"the directory {source.Directory} for a layer does not exist");
        }

        var root = ByteStrings.FromText(Path.GetFullPath(source.Directory));
        var target = ByteStrings.FromText(source.Target.Trim('/'));
        Parents(target.Length > 0 ? target + "/" : "");
        foreach (var path in Entries(root, ""))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (source.Filter?.Invoke(ByteStrings.ToText(path)) ?? true)
            {
                PackEntry($"{root}/{path}", target.Length > 0 ? $"{target}/{path}" : path, source.KeepOwners);
            }
        }
    }

    private void PackEntry(string absolute, string name, bool keep)
    {
        var status = Libc.Status(absolute) ?? throw new ImageException($"{ByteStrings.ToText(absolute)} vanished while it was packed");
        if (Kind(status) is not { } kind)
        {
            return;     // a socket: nothing that an image can have
        }

        Parents(name);
        if (kind != TarKind.Directory && status.Links > 1)
        {
            if (_links.TryGetValue((status.Device, status.Inode), out var first))
            {
                tar.Write(Entry(name, TarKind.HardLink) with { LinkName = first, Mode = Mode(status, kind, keep) });
                return;
            }

            _links[(status.Device, status.Inode)] = name;
        }

        var entry = Entry(kind == TarKind.Directory ? name + "/" : name, kind) with
        {
            Mode = Mode(status, kind, keep),
            Uid = keep ? status.Uid : 0,
            Gid = keep ? status.Gid : 0,
            Size = kind == TarKind.File ? status.Size : 0,
            LinkName = kind == TarKind.SymbolicLink ? Libc.ReadLink(absolute) : "",
            DeviceMajor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? status.Major : 0,
            DeviceMinor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? status.Minor : 0,
            Attributes = keep ? Attributes(absolute) : null,
        };
        if (kind == TarKind.Directory)
        {
            _directories.Add(name);
        }

        using var content = entry.Size > 0 ? new FileStream(Libc.OpenFile(absolute), FileAccess.Read, 1) : null;
        tar.Write(entry, content);
    }

    private void PackFile(LayerFile file)
    {
        var name = ByteStrings.FromText(file.Path.Trim('/'));
        if (name.Length == 0 || name.Split('/').Contains(".."))
        {
            throw new ImageException($"\"{file.Path}\" is not a path that a file of an image can have");
        }

        Parents(name);
        var isDirectory = file.Content is null;
        var entry = Entry(isDirectory ? name + "/" : name, isDirectory ? TarKind.Directory : TarKind.File) with
        {
            Mode = file.Mode != 0 ? file.Mode : isDirectory ? DirectoryMode : PlainMode,
            Uid = file.Uid,
            Gid = file.Gid,
            Size = file.Content?.Length ?? 0,
        };
        if (isDirectory)
        {
            _directories.Add(name);
        }

        tar.Write(entry, isDirectory ? null : new MemoryStream(file.Content!));
    }

    // A layer has an entry for every directory on the way, or unpacking it alone would invent them.
    private void Parents(string name)
    {
        for (var slash = name.IndexOf('/'); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            if (_directories.Add(name[..slash]))
            {
                tar.Write(Entry(name[..(slash + 1)], TarKind.Directory) with { Mode = DirectoryMode });
            }
        }
    }

    private TarEntry Entry(string name, TarKind kind) => new() { Name = name, Kind = kind, ModifiedSeconds = time.ToUnixTimeSeconds() };

    private static uint Mode(FileStatus status, TarKind kind, bool keep) => kind switch
    {
        TarKind.SymbolicLink => 0x1FF,
        _ when keep => status.Mode & 0xFFF,
        TarKind.Directory => DirectoryMode,
        _ => (status.Mode & AnyExecute) != 0 ? DirectoryMode : PlainMode,
    };

    private static TarKind? Kind(FileStatus status) => status.Type switch
    {
        Libc.RegularFile => TarKind.File,
        Libc.Directory => TarKind.Directory,
        Libc.SymbolicLink => TarKind.SymbolicLink,
        Libc.CharacterDevice => TarKind.CharacterDevice,
        Libc.BlockDevice => TarKind.BlockDevice,
        Libc.Fifo => TarKind.Fifo,
        _ => null,
    };

    private static SortedDictionary<string, byte[]>? Attributes(string absolute)
    {
        SortedDictionary<string, byte[]>? attributes = null;
        foreach (var name in Libc.AttributeNames(absolute).Where(n => n == "security.capability" || n.StartsWith("user.", StringComparison.Ordinal)))
        {
            if (Libc.Attribute(absolute, name) is { } value)
            {
                (attributes ??= new(StringComparer.Ordinal))[name] = value;
            }
        }

        return attributes;
    }
}
