namespace Knet.Oci.Registry;

/// <summary>How registries are talked to.</summary>
public sealed record RegistryOptions
{
    /// <summary>
    /// Hosts (with the port, if the references have one) that are reached by plain HTTP, besides loopback addresses, which always are.
    /// </summary>
    public IReadOnlyCollection<string> Insecure { get; init; } = [];

    /// <summary>For a TCP and TLS connection. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From a request to the headers of its answer. Default 30 s.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a download or upload may stand still. Default 60 s.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a request is repeated after 429, 502, 503, 504 or a broken download. Default 3.</summary>
    public int RetriesMax { get; init; } = 3;

    /// <summary>Before the first repetition; doubled for each further one. Default 500 ms.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Redirects followed for one request. Default 5.</summary>
    public int RedirectsMax { get; init; } = 5;

    /// <summary>Layers of one image downloaded at the same time. Default 4.</summary>
    public int ConcurrentDownloads { get; init; } = 4;

    /// <summary>Bytes that a manifest, token or error may have. Default 4 MiB, the limit of registries.</summary>
    public int DocumentBytesMax { get; init; } = 4 << 20;

    /// <summary>Bytes that one packed layer may have. Default 16 GiB.</summary>
    public long BlobBytesMax { get; init; } = 16L << 30;
}
