using System.Security.Cryptography;
using Knet.Oci.Formats;

namespace Knet.Oci.Store;

/// <summary>
/// Bytes by their digest, one file each. A blob appears under its name only when it is complete and its digest is right, so what has a name
/// can be trusted after a crash.
/// </summary>
/// <remarks>Thread-safe: two writers of one blob both succeed, and the second replaces the file by an equal one.</remarks>
public sealed class BlobStore
{
    private readonly string _blobs;
    private readonly string _ingest;
    private readonly bool _writeThrough;

    /// <summary>Opens the store below <see cref="StoreOptions.Root"/> and removes what an earlier process left unfinished.</summary>
    public BlobStore(StoreOptions options)
    {
        _blobs = Path.Combine(options.Root, "blobs", "sha256");
        _ingest = Path.Combine(options.Root, "ingest");
        _writeThrough = options.WriteThrough;
        if (Directory.Exists(_ingest))
        {
            Directory.Delete(_ingest, recursive: true);
        }

        Directory.CreateDirectory(_blobs);
        Directory.CreateDirectory(_ingest);
    }

    /// <summary>Blobs being written keep what they are made of from being collected.</summary>
    internal Pins Pins { get; } = new();

    public bool Has(Digest digest) => File.Exists(PathOf(digest));

    /// <summary>In bytes; 0 if there is no such blob.</summary>
    public long SizeOf(Digest digest) => new FileInfo(PathOf(digest)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Opens a blob for reading.</summary>
    /// <exception cref="ImageException">It is not here.</exception>
    public FileStream Open(Digest digest)
    {
        try
        {
            return new FileStream(PathOf(digest), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        }
        catch (FileNotFoundException e)
        {
            throw new ImageException($"the blob {digest} is not in the image store; pull or load its image again", inner: e);
        }
    }

    /// <summary>Reads a manifest, index or configuration and checks its digest.</summary>
    /// <exception cref="ImageException">It is not here, too large, or was changed on the disk.</exception>
    public byte[] ReadDocument(Digest digest, int bytesMax)
    {
        using var file = Open(digest);
        if (file.Length > bytesMax)
        {
            throw new ImageException($"the blob {digest} has {file.Length} bytes; a manifest or configuration may have {bytesMax}");
        }

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return Digest.Of(bytes) == digest
            ? bytes
            : throw new ImageException(
                $"the blob {digest} was changed on the disk: its digest is {Digest.Of(bytes)}; remove its image and pull or load it again");
    }

    /// <summary>Stores <paramref name="bytes"/> and answers their digest.</summary>
    public Digest Put(ReadOnlySpan<byte> bytes)
    {
        using var writer = Begin();
        writer.Write(bytes);
        return writer.Commit(null);
    }

    /// <summary>Starts a blob whose bytes come piece by piece.</summary>
    public BlobWriteStream Begin() => new(Path.Combine(_ingest, Guid.NewGuid().ToString("N")), PathOf, _writeThrough);

    internal IEnumerable<Digest> All() => Directory.EnumerateFiles(_blobs)
        .Select(f => Digest.TryParse("sha256:" + Path.GetFileName(f), out var digest) ? digest : (Digest?)null)
        .OfType<Digest>();

    internal void Delete(Digest digest) => File.Delete(PathOf(digest));

    private string PathOf(Digest digest) => Path.Combine(_blobs, digest.Hex);
}

/// <summary>A blob on its way into the store. Disposing without <see cref="Commit"/> leaves nothing behind.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class BlobWriteStream : Stream
{
    private readonly string _path;
    private readonly Func<Digest, string> _pathOf;
    private readonly bool _writeThrough;
    private readonly FileStream _file;
    private IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _committed;

    internal BlobWriteStream(string path, Func<Digest, string> pathOf, bool writeThrough)
    {
        _path = path;
        _pathOf = pathOf;
        _writeThrough = writeThrough;
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 128 * 1024);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    /// <summary>Bytes written so far.</summary>
    public override long Length => _file.Length;

    public override long Position { get => _file.Position; set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _file.Write(buffer);
        _hash.AppendData(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => _file.Flush();

    /// <summary>Forgets all that was written: the sender starts again.</summary>
    public void Restart()
    {
        _file.SetLength(0);
        _hash.Dispose();
        _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>Gives the blob its name, and answers it.</summary>
    /// <param name="expected">What the digest has to be; null if it was not known before.</param>
    /// <exception cref="ImageException">The digest is another one; the blob is not stored.</exception>
    public Digest Commit(Digest? expected) => Commit(expected, null);

    /// <summary>As above; the digest is pinned before the blob has its name, so that the collector never meets it alone.</summary>
    internal Digest Commit(Digest? expected, PinScope? pins)
    {
        var digest = Digest.FromHash(_hash.GetHashAndReset());
        if (expected is { } wanted && wanted != digest)
        {
            throw new ImageException($"the content does not have the digest {wanted} but {digest} ({_file.Length} bytes)");
        }

        pins?.Add(digest);
        _file.Flush(_writeThrough);
        _file.Dispose();
        File.Move(_path, _pathOf(digest), overwrite: true);
        _committed = true;
        return digest;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
            _hash.Dispose();
            if (!_committed)
            {
                File.Delete(_path);
            }
        }

        base.Dispose(disposing);
    }
}
