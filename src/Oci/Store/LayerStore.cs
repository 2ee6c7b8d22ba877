using System.ComponentModel;
using System.Security.Cryptography;
using Knet.Oci.Formats;
using Knet.Oci.Layers;
using Knet.Oci.Tar;

namespace Knet.Oci.Store;

/// <summary>
/// Layers unpacked as directories, <c>layers/DIFFID/fs</c>, shared by all images that have them. A layer has its name only when it is
/// complete, so what has a name can be trusted after a crash.
/// </summary>
/// <remarks>Thread-safe. Two calls for one layer share the work.</remarks>
public sealed class LayerStore
{
    private const string Unfinished = "unfinished-";

    private readonly KeyedLocks _locks = new();
    private readonly StoreOptions _options;
    private readonly string _layers;

    /// <summary>Opens the layers below <see cref="StoreOptions.Root"/> and removes what an earlier process left unfinished.</summary>
    public LayerStore(StoreOptions options)
    {
        _options = options;
        _layers = Path.Combine(options.Root, "layers");
        Directory.CreateDirectory(_layers, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var directory in Directory.EnumerateDirectories(_layers, Unfinished + "*"))
        {
            DeleteDetached(directory);
        }
    }

    /// <summary>The directory with the layer's files; null if it is not unpacked.</summary>
    public string? Find(Digest diffId) => Files(diffId) is var files && Directory.Exists(files) ? files : null;

    /// <summary>Unpacks a layer if it is not yet, and answers the directory with its files.</summary>
    /// <param name="diffId">The digest that the unpacked tar must have.</param>
    /// <param name="compression">How the blob is packed.</param>
    /// <param name="open">Opens the blob; called only if there is work to do.</param>
    /// <param name="cancellationToken">Gives up; what was unpacked so far is removed.</param>
    /// <exception cref="ImageException">The blob is broken, is not what the configuration says, or the disk does not take it.</exception>
    public async Task<string> EnsureAsync(
        Digest diffId, LayerCompression compression, Func<Stream> open, CancellationToken cancellationToken)
    {
        if (Find(diffId) is { } ready)
        {
            return ready;
        }

        using var turn = await _locks.EnterAsync(diffId.Hex, cancellationToken);
        if (Find(diffId) is { } done)
        {
            return done;
        }

        // Unpacking is work of the processor and of blocking system calls, for seconds: not for the thread of a caller that must go on.
        await Task.Run(() => Unpack(diffId, compression, open, cancellationToken), cancellationToken);
        return Files(diffId);
    }

    internal IEnumerable<Digest> All() => Directory.EnumerateDirectories(_layers)
        .Select(d => Digest.TryParse("sha256:" + Path.GetFileName(d), out var digest) ? digest : (Digest?)null)
        .OfType<Digest>();

    /// <summary>Takes the layer's name away at once; the files go with <see cref="DeleteDetached"/>.</summary>
    internal string Detach(Digest diffId)
    {
        var gone = Path.Combine(_layers, Unfinished + Guid.NewGuid().ToString("N"));
        Directory.Move(Path.Combine(_layers, diffId.Hex), gone);
        return gone;
    }

    internal static void DeleteDetached(string directory) => FileTrees.Remove(directory);

    /// <summary>Bytes of the files of a layer; counted when it was unpacked.</summary>
    internal long SizeOf(Digest diffId)
    {
        var note = Path.Combine(_layers, diffId.Hex, "size");
        return File.Exists(note) && long.TryParse(File.ReadAllText(note), out var size) ? size : 0;
    }

    private string Files(Digest diffId) => Path.Combine(_layers, diffId.Hex, "fs");

    private void Unpack(Digest diffId, LayerCompression compression, Func<Stream> open, CancellationToken cancellationToken)
    {
        var temporary = Path.Combine(_layers, Unfinished + Guid.NewGuid().ToString("N"));
        var files = Path.Combine(temporary, "fs");
        Directory.CreateDirectory(files);
        File.SetUnixFileMode(files, (UnixFileMode)0x1ED);   // 0755: it becomes "/" of containers
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var unpacked = new HashingStream(PackedStream.Unpack(open(), compression), hash);
            new LayerExtractor(files, _options.Layers).Extract(unpacked, cancellationToken);
            unpacked.CopyTo(Stream.Null);   // tar may be followed by padding, which the digest covers
            var digest = Digest.FromHash(hash.GetHashAndReset());
            if (digest != diffId)
            {
                throw new ImageException(
                    $"a layer does not have the digest {diffId} that the image's configuration says, but {digest}, when unpacked");
            }

            File.WriteAllText(
                Path.Combine(temporary, "size"), unpacked.BytesRead.ToString(System.Globalization.CultureInfo.InvariantCulture));
            if (_options.WriteThrough)
            {
                Libc.SyncFileSystem(temporary);
            }

            Directory.Move(temporary, Path.Combine(_layers, diffId.Hex));
        }
        catch (Exception e) when (e is TarException or InvalidDataException or Win32Exception or IOException)
        {
            throw new ImageException($"the layer {diffId} cannot be unpacked: {e.Message}", inner: e);
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                DeleteDetached(temporary);
            }
        }
    }
}

/// <summary>Passes reads through and takes their hash.</summary>
internal sealed class HashingStream(Stream inner, IncrementalHash hash) : ReadStream
{
    internal long BytesRead { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        var count = inner.Read(buffer);
        hash.AppendData(buffer[..count]);
        BytesRead += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
