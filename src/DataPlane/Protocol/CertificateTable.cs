using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Knet.DataPlane.Protocol;

/// <summary>Which certificate a host shows. One writer; any number of handshakes read without locks.</summary>
public sealed class CertificateTable
{
    private readonly ConcurrentDictionary<string, SslStreamCertificateContext> _certificates = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The host's own certificate, or that of the wildcard over it (<c>*.example.com</c>); null when there is neither.</summary>
    public SslStreamCertificateContext? Find(string host)
    {
        if (_certificates.TryGetValue(host, out var own))
        {
            return own;
        }

        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _certificates.TryGetValue($"*{host[dot..]}", out var wildcard) ? wildcard : null;
    }

    public void Set(string host, SslStreamCertificateContext certificate) => _certificates[host] = certificate;

    public void Remove(string host) => _certificates.TryRemove(host, out _);

    /// <summary>Reads what a Secret of type <c>kubernetes.io/tls</c> holds.</summary>
    /// <param name="certificate">PEM: the host's certificate, and after it those of its issuers.</param>
    /// <param name="key">PEM: the private key, of type RSA or ECDSA.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">They cannot be read, or do not belong together.</exception>
    public static SslStreamCertificateContext Read(string certificate, string key)
    {
        var issuers = new X509Certificate2Collection();
        issuers.ImportFromPem(certificate);
        if (issuers.Count > 0)
        {
            issuers.RemoveAt(0);
        }

        // Offline: nothing is ever fetched from an address that a certificate names.
        return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(certificate, key), issuers, offline: true);
    }
}
