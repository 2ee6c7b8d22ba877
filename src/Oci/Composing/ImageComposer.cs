using System.IO.Compression;
using System.Security.Cryptography;
using Knet.Oci.Formats;
using Knet.Oci.Local;
using Knet.Oci.Store;
using Knet.Oci.Tar;

namespace Knet.Oci.Composing;

/// <summary>Makes images from recipes. The result is in the blob store, without a name yet.</summary>
internal sealed class ImageComposer(BlobStore blobs)
{
    /// <summary>Packs the layers, writes configuration and manifest, and answers the manifest's digest.</summary>
    /// <param name="recipe">What to make.</param>
    /// <param name="from">The image that <see cref="ImageRecipe.From"/> names; null if it names none.</param>
    /// <param name="pins">Keeps the result from being collected until it has a name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ImageException">A directory is missing, or a path cannot be in an image.</exception>
    internal Digest Compose(ImageRecipe recipe, StoredImage? from, PinScope pins, CancellationToken cancellationToken)
    {
        var layers = from?.Layers.ToList() ?? [];
        var diffIds = from?.DiffIds.Select(d => d.ToString()).ToList() ?? [];
        foreach (var digest in from is null ? [] : from.Blobs)
        {
            pins.Add(digest);
        }

        foreach (var source in recipe.Layers)
        {
            var (layer, diffId) = Pack(source, recipe, pins, cancellationToken);
            layers.Add(layer);
            diffIds.Add(diffId.ToString());
        }

        var created = recipe.Created.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        var configuration = new ImageConfiguration
        {
            Created = created,
            Architecture = Platform.LinuxAmd64.Architecture,
            Os = Platform.LinuxAmd64.Os,
            Config = Settings(recipe, from?.Configuration.Config ?? new ContainerSettings()),
            RootFs = new RootFileSystem { DiffIds = diffIds },
            History =
            [
                .. from?.Configuration.History ?? [],
                .. recipe.Layers.Select(l => new HistoryEntry { Created = created, CreatedBy = $"knet: {Describe(l)}" }),
            ],
        };
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.OciManifest,
            Config = Document(OciJson.Write(configuration), MediaTypes.OciConfig, pins),
            // Docker's media types must not be mixed with OCI's in one manifest; the bytes are the same.
            Layers = [.. layers.Select(l => l with { MediaType = OciLayer(l.MediaType) })],
        };
        return Digest.Parse(Document(OciJson.Write(manifest), MediaTypes.OciManifest, pins).Digest, "composed");
    }

    private static string OciLayer(string mediaType) => MediaTypes.Compression(mediaType) switch
    {
        LayerCompression.Gzip => MediaTypes.OciLayerGzip,
        LayerCompression.Zstd => MediaTypes.OciLayerZstd,
        _ => MediaTypes.OciLayer,
    };

    private static string Describe(LayerSource source) => source switch
    {
        DirectoryLayer directory => $"files in {directory.Target}",     // not where they came from: it differs between machines
        _ => "files",
    };

    private static ContainerSettings Settings(ImageRecipe recipe, ContainerSettings inherited) => inherited with
    {
        Entrypoint = recipe.Entrypoint ?? inherited.Entrypoint,
        Cmd = recipe.Cmd ?? (recipe.Entrypoint is null ? inherited.Cmd : null),
        Env = Environment(inherited.Env ?? [], recipe.Env),
        User = recipe.User ?? inherited.User,
        WorkingDir = recipe.WorkingDir ?? inherited.WorkingDir,
        StopSignal = recipe.StopSignal ?? inherited.StopSignal,
        ExposedPorts = Merged(inherited.ExposedPorts, recipe.Ports.Select(p => KeyValuePair.Create(p, new EmptyObject()))),
        Labels = Merged(inherited.Labels, recipe.Labels),
    };

    private static List<string> Environment(IReadOnlyList<string> inherited, IReadOnlyList<string> own)
    {
        static string Name(string variable) => variable.Split('=', 2)[0];
        var names = own.Select(Name).ToHashSet(StringComparer.Ordinal);
        return [.. inherited.Where(v => !names.Contains(Name(v))), .. own];
    }

    private static SortedDictionary<string, T>? Merged<T>(IReadOnlyDictionary<string, T>? inherited, IEnumerable<KeyValuePair<string, T>> own)
    {
        var merged = new SortedDictionary<string, T>(StringComparer.Ordinal);
        foreach (var (key, value) in (inherited ?? new Dictionary<string, T>()).Concat(own))
        {
            merged[key] = value;
        }

        return merged.Count > 0 ? merged : null;
    }

    private (Descriptor Layer, Digest DiffId) Pack(
        LayerSource source, ImageRecipe recipe, PinScope pins, CancellationToken cancellationToken)
    {
        using var blob = blobs.Begin();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var packed = recipe.Gzip ? new GZipStream(blob, CompressionLevel.Optimal, leaveOpen: true) : null)
        using (var buffered = new BufferedStream(new HashingWriteStream(packed ?? (Stream)blob, hash), 128 * 1024))
        {
            var tar = new TarWriter(buffered);
            new LayerPacker(tar, recipe.Created).Pack(source, cancellationToken);
            tar.Finish();
        }

        var size = blob.Length;
        var digest = blob.Commit(null, pins);
        var diffId = pins.Add(Digest.FromHash(hash.GetHashAndReset()));
        var mediaType = recipe.Gzip ? MediaTypes.OciLayerGzip : MediaTypes.OciLayer;
        return (new Descriptor { MediaType = mediaType, Digest = digest.ToString(), Size = size }, diffId);
    }

    private Descriptor Document(byte[] bytes, string mediaType, PinScope pins)
    {
        pins.Add(Digest.Of(bytes));
        return new Descriptor { MediaType = mediaType, Digest = blobs.Put(bytes).ToString(), Size = bytes.Length };
    }
}

/// <summary>Passes writes through and takes their hash; leaves the inner stream open.</summary>
internal sealed class HashingWriteStream(Stream inner, IncrementalHash hash) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        hash.AppendData(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
