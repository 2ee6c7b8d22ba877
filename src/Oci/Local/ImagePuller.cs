using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Registry;
using Knet.Oci.Store;

namespace Knet.Oci.Local;

/// <summary>Brings an image's blobs from a registry into the store; what is there already is not downloaded.</summary>
internal sealed class ImagePuller(RegistryClient registry, BlobStore blobs, StoreOptions options)
{
    private readonly KeyedLocks _downloads = new();

    /// <summary>Downloads the image for this machine and answers what the reference stands for.</summary>
    /// <exception cref="ImageException">It cannot be had.</exception>
    internal async Task<Digest> PullAsync(
        ImageReference reference, IReadOnlyList<RegistryCredentials> credentials, PinScope pins, CancellationToken cancellationToken)
    {
        var document = await registry.GetManifestAsync(reference, credentials, cancellationToken);
        var target = Keep(document, pins);
        if (MediaTypes.IsIndex(document.MediaType))
        {
            var chosen = OciJson.Select(OciJson.ReadIndex(document.Bytes, reference.ToString()), Platform.LinuxAmd64, reference.ToString());
            document = await registry.GetManifestAsync(
                reference.At(Digest.Parse(chosen.Digest, reference.ToString())), credentials, cancellationToken);
            Keep(document, pins);
        }

        if (!MediaTypes.IsManifest(document.MediaType))
        {
            throw new ImageException(
                $"{reference}: the registry has a \"{document.MediaType}\" there; supported are OCI's image manifest and Docker's schema 2");
        }

        var manifest = OciJson.ReadManifest(document.Bytes, reference.ToString());
        if (manifest.Layers.Count > options.LayersMax)
        {
            throw new ImageException($"{reference}: the image has {manifest.Layers.Count} layers; the limit is {options.LayersMax}");
        }

        foreach (var layer in manifest.Layers)
        {
            MediaTypes.Compression(layer.MediaType);    // before the download: a layer that cannot be unpacked is not worth it
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = registry.ConcurrentDownloads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            manifest.Layers.Prepend(manifest.Config).DistinctBy(d => d.Digest),
            parallel,
            async (blob, token) => await DownloadAsync(reference, blob, credentials, pins, token));
        return target;
    }

    private Digest Keep(ManifestDocument document, PinScope pins)
    {
        pins.Add(document.Digest);
        return blobs.Put(document.Bytes);
    }

    private async Task DownloadAsync(
        ImageReference reference, Descriptor blob, IReadOnlyList<RegistryCredentials> credentials, PinScope pins, CancellationToken cancellationToken)
    {
        var digest = pins.Add(Digest.Parse(blob.Digest, reference.ToString()));
        using var turn = await _downloads.EnterAsync(digest.Hex, cancellationToken);
        if (!blobs.Has(digest))
        {
            await registry.DownloadAsync(reference, blob, blobs, credentials, cancellationToken);
        }
    }
}
