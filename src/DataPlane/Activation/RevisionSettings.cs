using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.DataPlane.Activation;

/// <summary>What a Revision says about its traffic. Immutable, as Revisions are.</summary>
public sealed record RevisionSettings
{
    /// <summary>Requests at a time for each instance; 0 means no limit.</summary>
    public int ContainerConcurrency { get; init; }

    /// <summary>How long a request may take in all.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>How long the response may take to begin; zero means <see cref="Timeout"/>.</summary>
    public TimeSpan ResponseStartTimeout { get; init; }

    /// <summary>How long a request may stay without a byte written; zero means for ever.</summary>
    public TimeSpan IdleTimeout { get; init; }

    /// <summary>The port that is dialled on instances: the user container's when embedded.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>The program speaks HTTP/2 without TLS (port name <c>h2c</c>); otherwise HTTP/1.1.</summary>
    public bool Http2 { get; init; }

    internal ForwarderRequestConfig ToRequestConfig() => new()
    {
        Version = Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = IdleTimeout > TimeSpan.Zero ? IdleTimeout : System.Threading.Timeout.InfiniteTimeSpan,
    };
}
