using System.Collections.Immutable;
using Knet.Api.Meta;

namespace Knet.Gateway.Model;

/// <summary>
/// One KIngress with its Services resolved: all that a data plane needs of it. Two are equal when the data plane would do the same.
/// </summary>
/// <param name="Created">Of two Ingresses with the same host the older one has it.</param>
/// <param name="Hash">What probes get echoed (serving.md 9.6).</param>
public sealed record IngressRules(ObjectKey Key, DateTime Created, string Hash, ImmutableArray<HostRules> Hosts)
{
    /// <summary>The rules as one line of text; equal texts mean equal rules.</summary>
    public string Fingerprint { get; } = string.Join(";", Hosts.Select(h => h.ToString()));

    /// <summary>The certificates that its hosts show.</summary>
    public ImmutableArray<CertificateRules> Certificates { get; init; } = [];

    public bool Equals(IngressRules? other) =>
        other is not null && Key == other.Key && Created == other.Created && Hash == other.Hash && Fingerprint == other.Fingerprint &&
        Certificates.SequenceEqual(other.Certificates);

    public override int GetHashCode() => HashCode.Combine(Key, Hash, Fingerprint);
}

/// <summary>The certificate of some hosts, from a Secret. Two of the same version are the same; the key stands in no text.</summary>
/// <param name="Version">Of the Secret: its uid and resource version.</param>
public sealed record CertificateRules(ImmutableArray<string> Hosts, ObjectKey Secret, string Version)
{
    /// <summary>PEM, with the certificates of the issuers behind it.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>PEM.</summary>
    public string PrivateKey { get; init; } = "";

    public bool Equals(CertificateRules? other) =>
        other is not null && Secret == other.Secret && Version == other.Version && Hosts.SequenceEqual(other.Hosts);

    public override int GetHashCode() => HashCode.Combine(Secret, Version);

    public override string ToString() => $"{string.Join(",", Hosts)} by {Secret}";
}

/// <summary>What one host leads to.</summary>
/// <param name="External">Clients outside of the cluster may use it; otherwise pods only.</param>
/// <param name="Redirect">Plain HTTP of outside clients is answered with 301 to https.</param>
public sealed record HostRules(string Host, bool External, bool Redirect, ImmutableArray<PathRules> Paths)
{
    public override string ToString() =>
        $"{Host} {(External ? "external" : "local")}{(Redirect ? " redirect" : "")} [{string.Join(", ", Paths)}]";
}

/// <summary>Requests of a host that begin so and carry these headers.</summary>
public sealed record PathRules(string Prefix, ImmutableArray<SplitRules> Splits)
{
    public ImmutableArray<HeaderRules> Headers { get; init; } = [];
    public string? RewriteHost { get; init; }
    public ImmutableArray<HeaderRules> SetHeaders { get; init; } = [];

    public override string ToString() =>
        $"{Prefix}{{{string.Join(",", Headers)}}}->{RewriteHost}{{{string.Join(",", SetHeaders)}}}({string.Join(" + ", Splits)})";
}

/// <summary>A header and its value.</summary>
public sealed record HeaderRules(string Name, string Value)
{
    public override string ToString() => $"{Name}={Value}";
}

/// <summary>A share of a path's requests.</summary>
public sealed record SplitRules(int Percent, BackendRules Backend)
{
    public ImmutableArray<HeaderRules> SetHeaders { get; init; } = [];

    public override string ToString() => $"{Percent}% {Backend}{{{string.Join(",", SetHeaders)}}}";
}

/// <summary>What a Service turned out to be.</summary>
public abstract record BackendRules
{
    private BackendRules()
    {
    }

    /// <summary>A Revision, whose pods are dialled directly.</summary>
    public sealed record Revision(string Namespace, string Name) : BackendRules
    {
        public override string ToString() => $"revision {Namespace}/{Name}";
    }

    /// <summary>An ordinary Service: <c>host:port</c> each; none answers 503.</summary>
    public sealed record Addresses(ImmutableArray<string> Authorities, bool Http2) : BackendRules
    {
        public override string ToString() => $"{(Http2 ? "h2c" : "http1")} {string.Join("|", Authorities)}";
    }

    /// <summary>The gateway itself under this host.</summary>
    public sealed record Host(string Name) : BackendRules
    {
        public override string ToString() => $"host {Name}";
    }
}
