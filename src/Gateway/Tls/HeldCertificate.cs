using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;

namespace Knet.Gateway.Tls;

/// <summary>What a Secret holds: the hosts, the time and the issuer of its certificate.</summary>
internal sealed record HeldCertificate(IReadOnlyList<string> DnsNames, DateTime NotBefore, DateTime NotAfter, string Serial, string Issuer)
{
    /// <summary>The annotation that names the issuer: an ACME directory, or <see cref="OwnIssuer"/>.</summary>
    public const string IssuerKey = "knet.dev/issuer";

    public const string OwnIssuer = "knet";

    /// <summary>When a third of its life is left.</summary>
    public DateTime RenewAt => NotAfter - ((NotAfter - NotBefore) / 3);

    /// <returns>Null when there is no certificate that could be shown.</returns>
    public static HeldCertificate? Read(V1Secret? secret)
    {
        if (secret?.Data is not { } data || !data.TryGetValue("tls.crt", out var certificate) || !data.TryGetValue("tls.key", out var key))
        {
            return null;
        }

        try
        {
            using var leaf = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
            var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault()?.EnumerateDnsNames().ToList() ?? [];
            var issuer = secret.Metadata.Annotations?.TryGetValue(IssuerKey, out var given) == true ? given : "";
            return new HeldCertificate(names, leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime(), leaf.SerialNumber, issuer);
        }
        catch (CryptographicException)
        {
            // Somebody edited the Secret: what cannot be read is issued anew.
            return null;
        }
    }

    /// <summary>Whether it serves these hosts now.</summary>
    public bool Serves(IReadOnlyList<string> hosts, string issuer, DateTimeOffset now) =>
        Issuer == issuer && NotBefore <= now && now < NotAfter && hosts.All(h => DnsNames.Contains(h, StringComparer.OrdinalIgnoreCase));
}
