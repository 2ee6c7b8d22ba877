namespace Knet.DataPlane;

/// <summary>The limits of the data plane, each with the reason for its default.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>Requests that may wait for one Revision; upstream's activator has the same limit.</summary>
    public int QueueDepthMax { get; init; } = 10_000;

    /// <summary>
    /// Requests that may wait for one pod when it is addressed directly, per allowed concurrent request (upstream's queue-proxy).
    /// </summary>
    public int PodQueueFactor { get; init; } = 10;

    /// <summary>
    /// How often a request that could not be sent is tried again; with the growing pauses this is about 20 s, as upstream's dialling.
    /// </summary>
    public int DialAttemptsMax { get; init; } = 20;

    /// <summary>The pause before the second attempt; each later one is 1.4 times longer.</summary>
    public TimeSpan DialPause { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>How long opening one connection may take: instances are on this machine or near it.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an unused connection to an instance is kept.</summary>
    public TimeSpan IdleConnectionTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a connection may stay silent before its first byte (Kestrel's keep-alive time).</summary>
    public TimeSpan FirstByteTimeout { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>How long a TLS handshake may take once the client has begun it (Kestrel's default).</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Header bytes of a request; Envoy's default is about the same.</summary>
    public int RequestHeadersBytesMax { get; init; } = 64 * 1024;

    /// <summary>Streams of one HTTP/2 connection; gRPC clients multiplex over a single connection.</summary>
    public int StreamsPerConnectionMax { get; init; } = 1_000;
}
