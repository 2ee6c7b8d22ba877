using System.Buffers;
using Knet.Oci.Tar;

namespace Knet.Oci.Layers;

/// <summary>
/// Unpacks a layer's tar into a directory as overlayfs wants its lower directories: owners, modes, times, links, devices and attributes
/// kept,
/// OCI's whiteouts turned into overlayfs' (a character device 0/0; <c>trusted.overlay.opaque</c>).
/// </summary>
/// <remarks>One extraction per instance. Rules of the layer format: OCI image specification, layer.md.</remarks>
internal sealed class LayerExtractor(string root, LayerOptions options)
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueWhiteout = ".wh..wh..opq";
    private const string ReservedPrefix = ".wh..wh.";   // aufs' own files: no content of the image
    private const int BufferBytes = 128 * 1024;

    private readonly LayerPaths _paths = new(root);
    private readonly HashSet<string> _whiteouts = [];
    private readonly Dictionary<string, TarEntry> _directories = [];
    private long _bytes;

    /// <summary>Unpacks all of <paramref name="tar"/>; the directory must exist.</summary>
    /// <exception cref="TarException">The archive is broken, breaks a limit or wants to leave the directory.</exception>
    /// <exception cref="IOException">The disk does not take it.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">A system call failed; the text has its name and the path.</exception>
    internal void Extract(Stream tar, CancellationToken cancellationToken)
    {
        var reader = new TarReader(tar);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (long count = 1; reader.Next() is { } entry; count++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (count > options.EntriesMax)
                {
                    throw new TarException($"the layer has more than {options.EntriesMax} entries");
                }

                Put(entry, reader, buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        // Last, because every file made in a directory changes its time.
        foreach (var (path, entry) in _directories)
        {
            Libc.SetModified(_paths.Absolute(path), entry.ModifiedSeconds, entry.ModifiedNanoseconds);
        }
    }

    private void Put(TarEntry entry, TarReader reader, byte[] buffer)
    {
        if (options.Excluded is { } excluded && excluded(Trimmed(entry.Name)))
        {
            return;
        }

        var path = _paths.Place(entry.Name);
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            Whiteout(path, name);
            return;
        }

        if (path.Length == 0)
        {
            if (entry.Kind == TarKind.Directory)
            {
                Describe(path, entry);
            }

            return;
        }

        var opaque = MakeRoom(path, entry);
        if (Make(path, entry, reader, buffer))
        {
            Describe(path, entry);
            if (opaque)
            {
                SetOpaque(path);
            }
        }
    }

    private static string Trimmed(string name) => (name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name).Trim('/');

    private void Whiteout(string path, string name)
    {
        if (!options.Whiteouts)
        {
            throw new TarException($"the entry \"{ByteStrings.ToText(path)}\" is a whiteout, and there is nothing below to remove");
        }

        var parent = path.Contains('/') ? path[..path.LastIndexOf('/')] : "";
        if (name == OpaqueWhiteout)
        {
            SetOpaque(parent);
            return;
        }

        if (name.StartsWith(ReservedPrefix, StringComparison.Ordinal))
        {
            return;
        }

        var target = name[WhiteoutPrefix.Length..];
        if (target is "" or "." or "..")
        {
            throw new TarException($"the whiteout \"{ByteStrings.ToText(path)}\" names nothing that can be removed");
        }

        var removed = parent.Length == 0 ? target : $"{parent}/{target}";
        switch (Libc.Status(_paths.Absolute(removed)))
        {
            case null:
                Libc.MakeNode(_paths.Absolute(removed), Libc.CharacterDevice, 0, 0);
                _whiteouts.Add(removed);
                break;
            case { IsDirectory: true }:
                SetOpaque(removed);     // a whiteout is for lower layers only: this layer's own directory stays, the one below is hidden
                break;
        }
    }

    private void SetOpaque(string path)
    {
        var attribute = options.Privileged ? "trusted.overlay.opaque" : "user.overlay.opaque";
        var error = Libc.SetAttribute(_paths.Absolute(path), attribute, "y"u8);
        if (error != 0)
        {
            throw Libc.Failed($"setxattr {attribute}", _paths.Absolute(path), error);
        }
    }

    // An entry replaces what the same layer had under its name. Answers whether a directory has to hide the one below.
    private bool MakeRoom(string path, TarEntry entry)
    {
        var absolute = _paths.Absolute(path);
        var isDirectory = entry.Kind == TarKind.Directory;
        switch (Libc.Status(absolute))
        {
            case null:
                return false;
            case { IsDirectory: true } when isDirectory:
                return false;
            case { IsDirectory: true }:
                Libc.RemoveTree(absolute);
                _paths.Removed(path);
                foreach (var gone in _directories.Keys.Where(d => d == path || d.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
                {
                    _directories.Remove(gone);
                }

                return false;
            case { Type: Libc.SymbolicLink } when isDirectory && !options.Whiteouts:
                return false;   // putting packages together: /lib -> usr/lib stays when a package brings a directory /lib
            default:
                Libc.Remove(absolute);
                return _whiteouts.Remove(path) && isDirectory;
        }
    }

    // Answers whether there is something now that has an owner, mode and time of its own.
    private bool Make(string path, TarEntry entry, TarReader reader, byte[] buffer)
    {
        var absolute = _paths.Absolute(path);
        switch (entry.Kind)
        {
            case TarKind.Directory:
                return MakeDirectory(path, absolute);
            case TarKind.File:
                WriteFile(absolute, entry, reader, buffer);
                return true;
            case TarKind.SymbolicLink:
                Libc.MakeSymbolicLink(entry.LinkName, absolute);
                return true;
            case TarKind.HardLink:
                MakeHardLink(absolute, entry);
                return false;
            case TarKind.Fifo:
                Libc.MakeNode(absolute, Libc.Fifo | 0x180, 0, 0);
                return true;
            default:
                return MakeDevice(absolute, entry);
        }
    }

    private bool MakeDirectory(string path, string absolute)
    {
        switch (Libc.Status(absolute))
        {
            case null:
                Libc.MakeDirectory(absolute, 0x1C0);
                break;
            case { Type: Libc.SymbolicLink }:
                return false;
        }

        _paths.Made(path);
        return true;
    }

    private void WriteFile(string absolute, TarEntry entry, TarReader reader, byte[] buffer)
    {
        _bytes += entry.Size;
        if (_bytes > options.UnpackedBytesMax)
        {
            throw new TarException($"the layer has more than {options.UnpackedBytesMax} bytes when unpacked");
        }

        using var handle = Libc.CreateFile(absolute, 0x180);
        for (long at = 0; reader.Read(buffer) is > 0 and var count; at += count)
        {
            RandomAccess.Write(handle, buffer.AsSpan(0, count), at);
        }
    }

    private void MakeHardLink(string absolute, TarEntry entry)
    {
        var existing = _paths.Absolute(_paths.Place(entry.LinkName));
        if (Libc.Status(existing) is null or { IsDirectory: true })
        {
            throw new TarException($"the entry \"{ByteStrings.ToText(entry.Name)}\" is a hard link to "
                + $"\"{ByteStrings.ToText(entry.LinkName)}\", which is no file of the same layer");
        }

        Libc.MakeHardLink(existing, absolute);
    }

    private bool MakeDevice(string absolute, TarEntry entry)
    {
        if (!options.Privileged)
        {
            return false;
        }

        if (entry is { Kind: TarKind.CharacterDevice, DeviceMajor: 0, DeviceMinor: 0 })
        {
            throw new TarException(
                $"the entry \"{ByteStrings.ToText(entry.Name)}\" is a character device 0/0, which overlayfs would take for a removal");
        }

        var type = entry.Kind == TarKind.CharacterDevice ? Libc.CharacterDevice : Libc.BlockDevice;
        Libc.MakeNode(absolute, type | 0x180, entry.DeviceMajor, entry.DeviceMinor);
        return true;
    }

    // Order matters: chown clears set-id bits and capabilities, and an attribute of a read-only file needs no write permission for root.
    private void Describe(string path, TarEntry entry)
    {
        var absolute = _paths.Absolute(path);
        if (options.Privileged)
        {
            Libc.ChangeOwner(absolute, entry.Uid, entry.Gid);
        }

        if (entry.Kind != TarKind.SymbolicLink)
        {
            Libc.ChangeMode(absolute, entry.Mode);
        }

        foreach (var (name, value) in entry.Attributes ?? new Dictionary<string, byte[]>())
        {
            SetAttribute(absolute, name, value);
        }

        if (entry.Kind == TarKind.Directory)
        {
            _directories[path] = entry;
        }
        else
        {
            Libc.SetModified(absolute, entry.ModifiedSeconds, entry.ModifiedNanoseconds);
        }
    }

    // Only what an image may say: overlayfs' own attributes would redirect lookups, labels belong to the host's policy.
    private void SetAttribute(string absolute, string name, byte[] value)
    {
        var isCapability = name == "security.capability" && options.Privileged;
        if (!isCapability && (!name.StartsWith("user.", StringComparison.Ordinal) || name.StartsWith("user.overlay.", StringComparison.Ordinal)))
        {
            return;
        }

        var error = Libc.SetAttribute(absolute, name, value);
        if (error != 0 && (isCapability || error is not (Libc.NotSupported or Libc.NotPermitted)))
        {
            throw Libc.Failed($"setxattr {name}", absolute, error);
        }
    }
}
