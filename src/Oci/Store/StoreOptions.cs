using Knet.Oci.Layers;

namespace Knet.Oci.Store;

/// <summary>Where and how images are kept.</summary>
public sealed record StoreOptions
{
    /// <summary>The directory; made if missing. One process at a time may use it.</summary>
    public required string Root { get; init; }

    /// <summary>
    /// Whether data is written through to the disk before it counts as stored. Default false: a crash of the process loses nothing, a power
    /// failure may lose images, which are then pulled again.
    /// </summary>
    public bool WriteThrough { get; init; }

    /// <summary>
    /// Disk space for images, unpacked and packed, above which garbage collection removes the images that were pulled and not used for
    /// longest. Default 20 GiB.
    /// </summary>
    public long BytesMax { get; init; } = 20L << 30;

    /// <summary>The share of <see cref="BytesMax"/> to come down to when collecting. Default 0.8, as kubelet's low threshold.</summary>
    public double BytesTarget { get; init; } = 0.8;

    /// <summary>How long an image is kept after its last use at least. Default two minutes, as kubelet's imageMinimumGCAge.</summary>
    public TimeSpan AgeMin { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Bytes that a manifest, index or configuration may have. Default 4 MiB, the limit of registries.</summary>
    public int DocumentBytesMax { get; init; } = 4 << 20;

    /// <summary>Layers that an image may have. Default 127, Docker's limit (overlayfs takes 500).</summary>
    public int LayersMax { get; init; } = 127;

    public LayerOptions Layers { get; init; } = new();
}
