using System.Text.Json;
using System.Text.Json.Serialization;
using Knet.Oci.Formats;
using Knet.Oci.Layers;
using Knet.Oci.References;
using Knet.Oci.Store;
using Knet.Oci.Tar;

namespace Knet.Oci.Local;

/// <summary>An image found in an archive.</summary>
/// <param name="Names">Complete references.</param>
/// <param name="Target">Digest of its manifest or index, which is in the store now.</param>
internal sealed record LoadedImage(IReadOnlyList<string> Names, Digest Target);

/// <summary>
/// Reads images from a tar: an OCI image layout, or what <c>docker save</c> writes; plain or packed with gzip or zstd. Every file becomes a
/// blob first, because the archive is read once and its index may come last.
/// </summary>
/// <remarks>One archive per instance. What turns out to belong to no image is left to garbage collection.</remarks>
internal sealed class ImageLoader(BlobStore blobs, PinScope pins, StoreOptions options)
{
    private const int FilesMax = 100_000;

    private readonly Dictionary<string, Digest> _files = [];
    private readonly Dictionary<string, string> _links = [];

    /// <summary>Reads all of the archive.</summary>
    /// <param name="archive">The bytes.</param>
    /// <param name="name">The name for an image that brings none; null if there has to be one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ImageException">It is no image archive, is incomplete, or its image has no name.</exception>
    internal IReadOnlyList<LoadedImage> Read(Stream archive, string? name, CancellationToken cancellationToken)
    {
        try
        {
            Store(archive, cancellationToken);
        }
        catch (Exception e) when (e is TarException or InvalidDataException or IOException)
        {
            throw new ImageException($"the archive cannot be read: {e.Message}", inner: e);
        }

        var isLayout = _files.ContainsKey("index.json");
        var isDocker = _files.ContainsKey("manifest.json");
        if (!isLayout && !isDocker)
        {
            throw new ImageException(
                "the archive has neither index.json (OCI image layout) nor manifest.json (docker save): it is not an image archive");
        }

        // docker save writes both since version 25; the one with names is of use.
        var images = isLayout ? FromLayout(name) : [];
        var isNamed = images.Count > 0 && images.All(i => i.Names.Count > 0);
        return Named(isNamed || !isDocker ? images : FromDocker(), name);
    }

    private static List<LoadedImage> Named(IReadOnlyList<LoadedImage> images, string? name)
    {
        if (images.Count == 0)
        {
            throw new ImageException("the archive has no image for this machine");
        }

        if (name is not null)
        {
            return images is [var only]
                ? [only with { Names = [ImageReference.Parse(name).ToString()] }]
                : throw new ImageException($"the archive has {images.Count} images, so that one name cannot be given to them");
        }

        return images.All(i => i.Names.Count > 0)
            ? [.. images]
            : throw new ImageException("an image in the archive has no name; say which name it gets");
    }

    // "./a//b" and "/a/b" are "a/b".
    private static string Normal(string path)
    {
        var parts = new List<string>();
        foreach (var part in path.Split('/').Where(p => p.Length > 0 && p != "."))
        {
            if (part != "..")
            {
                parts.Add(part);
            }
            else if (parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
        }

        return string.Join('/', parts);
    }

    private void Store(Stream archive, CancellationToken cancellationToken)
    {
        using var buffered = new BufferedStream(archive, 128 * 1024);
        Span<byte> first = stackalloc byte[PackedStream.MagicBytes];
        var count = buffered.ReadAtLeast(first, first.Length, throwOnEndOfStream: false);
        var whole = new PrefixedStream(first[..count].ToArray(), buffered);
        using var unpacked = PackedStream.Unpack(whole, PackedStream.Sniff(first[..count]) ?? LayerCompression.None);
        var reader = new TarReader(unpacked);
        var buffer = new byte[128 * 1024];
        while (reader.Next() is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_files.Count + _links.Count >= FilesMax)
            {
                throw new TarException($"it has more than {FilesMax} files, so it is not an image archive");
            }

            var path = Normal(entry.Name);
            switch (entry.Kind)
            {
                case TarKind.File:
                    using (var writer = blobs.Begin())
                    {
                        while (reader.Read(buffer) is > 0 and var read)
                        {
                            writer.Write(buffer.AsSpan(0, read));
                        }

                        // Pinned before it gets its name, so that the collector never sees it alone.
                        _files[path] = writer.Commit(null, pins);
                    }

                    break;
                case TarKind.SymbolicLink:
                    _links[path] = Normal($"{Path.GetDirectoryName(path)}/{entry.LinkName}");
                    break;
                case TarKind.HardLink:
                    _links[path] = Normal(entry.LinkName);
                    break;
            }
        }
    }

    private Digest File(string path)
    {
        var at = Normal(path);
        for (var i = 0; i < 10 && _links.TryGetValue(at, out var target); i++)
        {
            at = target;
        }

        return _files.TryGetValue(at, out var digest) ? digest : throw new ImageException($"the archive is incomplete: {path} is missing");
    }

    private List<LoadedImage> FromLayout(string? name)
    {
        var index = OciJson.ReadIndex(blobs.ReadDocument(File("index.json"), options.DocumentBytesMax), "index.json");
        var manifests = index.Manifests.Where(m => MediaTypes.IsIndex(m.MediaType) || MediaTypes.IsManifest(m.MediaType)).ToList();
        if (name is not null && manifests.Count > 1 && manifests.Any(m => m.Platform is not null))
        {
            manifests = [OciJson.Select(index, Platform.LinuxAmd64, "index.json")];
        }

        return [.. manifests.GroupBy(m => m.Digest).Select(same => new LoadedImage(
            [.. same.Select(NameOf).OfType<string>().Distinct()],
            Digest.Parse(same.Key, "index.json")))];
    }

    // containerd writes complete names; others the reference or, if the archive is of one repository, its tag alone.
    private static string? NameOf(Descriptor manifest)
    {
        var complete = manifest.Annotations?.GetValueOrDefault("io.containerd.image.name");
        var reference = manifest.Annotations?.GetValueOrDefault("org.opencontainers.image.ref.name");
        var text = complete ?? (reference is not null && (reference.Contains('/') || reference.Contains(':')) ? reference : null);
        return text is not null && ImageReference.TryParse(text, out var parsed, out _) ? parsed!.ToString() : null;
    }

    private List<LoadedImage> FromDocker()
    {
        var document = blobs.ReadDocument(File("manifest.json"), options.DocumentBytesMax);
        var items = OciJson.Read(document, ImageLoaderJsonContext.Default.ListDockerArchiveItem, "manifest.json");
        var images = new List<LoadedImage>();
        foreach (var item in items.OfType<DockerArchiveItem>())
        {
            var configuration = File(item.Config ?? throw new ImageException("manifest.json: Config is missing"));
            var manifest = new ImageManifest
            {
                MediaType = MediaTypes.OciManifest,
                Config = new Descriptor
                {
                    MediaType = MediaTypes.OciConfig,
                    Digest = configuration.ToString(),
                    Size = blobs.SizeOf(configuration),
                },
                Layers = [.. (item.Layers ?? []).Select(Layer)],
            };
            var bytes = OciJson.Write(manifest);
            pins.Add(Digest.Of(bytes));
            images.Add(new LoadedImage([.. (item.RepoTags ?? []).Select(t => ImageReference.Parse(t).ToString())], blobs.Put(bytes)));
        }

        return images;
    }

    private Descriptor Layer(string path)
    {
        var digest = File(path);
        using var blob = blobs.Open(digest);
        var mediaType = PackedStream.Sniff(blob) switch
        {
            LayerCompression.Gzip => MediaTypes.OciLayerGzip,
            LayerCompression.Zstd => MediaTypes.OciLayerZstd,
            _ => MediaTypes.OciLayer,
        };
        return new Descriptor { MediaType = mediaType, Digest = digest.ToString(), Size = blob.Length };
    }
}

/// <summary>An image in <c>docker save</c>'s manifest.json.</summary>
internal sealed record DockerArchiveItem(
    [property: JsonPropertyName("Config")] string? Config,
    [property: JsonPropertyName("RepoTags")] IReadOnlyList<string>? RepoTags,
    [property: JsonPropertyName("Layers")] IReadOnlyList<string>? Layers);

[JsonSerializable(typeof(List<DockerArchiveItem>))]
internal sealed partial class ImageLoaderJsonContext : JsonSerializerContext;

/// <summary>Bytes that were read ahead, then the rest of the stream.</summary>
internal sealed class PrefixedStream(byte[] prefix, Stream rest) : ReadStream
{
    private int _at;

    public override int Read(Span<byte> buffer)
    {
        if (_at == prefix.Length)
        {
            return rest.Read(buffer);
        }

        var count = Math.Min(buffer.Length, prefix.Length - _at);
        prefix.AsSpan(_at, count).CopyTo(buffer);
        _at += count;
        return count;
    }
}
