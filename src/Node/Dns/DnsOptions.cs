using System.Net;

namespace Knet.Node.Dns;

/// <summary>What cluster DNS answers and where it listens.</summary>
public sealed record DnsOptions
{
    /// <summary>UDP and TCP. Port 0 chooses one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>The address of <c>host.knet.internal</c> and <c>registry.knet.internal</c>: the machine as pods see it.</summary>
    public required IPAddress HostAddress { get; init; }

    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Reverse look-ups in these ranges are answered here and never forwarded.</summary>
    public IReadOnlyList<IPNetwork> OwnRanges { get; init; } = [];

    /// <summary>
    /// The address of a name (lower case, no dot at the end) that the gateway serves, such as <c>hello.default.localhost</c>; null for
    /// other names. Asked before anything is forwarded.
    /// </summary>
    public Func<string, IPAddress?> Gateway { get; init; } = static _ => null;

    /// <summary>Resolvers for all other names; null answers them with NXDOMAIN, as <c>--egress=off</c> wants it.</summary>
    public Func<IReadOnlyList<IPEndPoint>>? Upstreams { get; init; } = HostResolvers.Read;

    /// <summary>Seconds that clients may keep an answer about the cluster.</summary>
    public uint TtlSeconds { get; init; } = 5;

    /// <summary>How long one upstream may take before the next is asked.</summary>
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Forwarded questions in flight; more are answered SERVFAIL.</summary>
    public int ForwardedMax { get; init; } = 256;

    /// <summary>Forwarded answers kept.</summary>
    public int CachedMax { get; init; } = 1000;

    /// <summary>The longest time a forwarded answer is kept, whatever its own time to live.</summary>
    public TimeSpan CacheTimeMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>TCP clients served at once.</summary>
    public int TcpClientsMax { get; init; } = 64;

    /// <summary>A <see cref="Gateway"/> for whole domains: the domain and everything below it.</summary>
    public static Func<string, IPAddress?> ForDomains(Func<IReadOnlyCollection<string>> domains, Func<IPAddress?> address) => name =>
        domains().Any(d => DnsName.IsUnder(name, d)) ? address() : null;
}
