using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Knet.Kube.Config;

namespace Knet.Gateway.Tls;

/// <summary>What the issuers read of <c>config-network</c>; the keys below <c>knet.dev/</c> are our own.</summary>
/// <param name="CertificateClass">The class that Certificates get by default; it is ours as well, whatever its name.</param>
public sealed record CertificateConfig(string CertificateClass)
{
    /// <summary>The default of upstream, and so what Routes ask for when nobody chose.</summary>
    private const string UpstreamClass = "cert-manager.certificate.networking.knative.dev";

    public const string AcmeDirectoryKey = "knet.dev/acme-directory";
    public const string AcmeEmailKey = "knet.dev/acme-email";
    public const string AcmeTrustKey = "knet.dev/acme-trust";

    public static ConfigKind<CertificateConfig> Kind { get; } = new("config-network", Parse);

    /// <summary>Where an ACME server's directory is; null leaves all certificates to the authority of the installation.</summary>
    public Uri? AcmeDirectory { get; init; }

    /// <summary>Whom the ACME server may write to; empty tells nobody.</summary>
    public string AcmeEmail { get; init; } = "";

    /// <summary>PEM: whose certificates the ACME server's own may be signed by; empty trusts whom the machine trusts.</summary>
    public string AcmeTrust { get; init; } = "";

    /// <summary>
    /// Who signs for these hosts. An ACME server can know nothing of names that live in the cluster or on this machine only.
    /// </summary>
    /// <returns>The directory's address, or an empty text for the authority of the installation.</returns>
    public string IssuerFor(IReadOnlyList<string> dnsNames) =>
        AcmeDirectory is null || dnsNames.Any(IsPrivate) ? "" : AcmeDirectory.AbsoluteUri;

    private static bool IsPrivate(string host) =>
        !host.Contains('.', StringComparison.Ordinal) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) ||
        host.EndsWith(".cluster.local", StringComparison.OrdinalIgnoreCase) || host.StartsWith("*.", StringComparison.Ordinal);

    private static CertificateConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var name = data.TryGetValue("certificate-class", out var given) || data.TryGetValue("certificate.class", out given)
            ? given
            : UpstreamClass;
        var trust = data.GetValueOrDefault(AcmeTrustKey, "");
        try
        {
            new X509Certificate2Collection().ImportFromPem(trust);
        }
        catch (CryptographicException e)
        {
            throw new FormatException($"{AcmeTrustKey}: must be certificates in PEM form: {e.Message}", e);
        }

        var directory = data.GetValueOrDefault(AcmeDirectoryKey, "");
        return new CertificateConfig(name)
        {
            AcmeEmail = data.GetValueOrDefault(AcmeEmailKey, ""),
            AcmeTrust = trust,
            AcmeDirectory = directory.Length == 0 ? null
                : Uri.TryCreate(directory, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps ? uri
                : throw new FormatException($"{AcmeDirectoryKey}: must be the https address of an ACME directory, not \"{directory}\""),
        };
    }
}
