namespace Knet.Gateway.Tls;

/// <summary>A certificate and its key, both as PEM; the issuers' certificates follow the first.</summary>
public sealed record IssuedCertificate(string Certificate, string PrivateKey)
{
    public override string ToString() => "a certificate";
}

/// <summary>The authority of this installation, which signs at once what it is asked.</summary>
public interface ICertificateAuthority
{
    /// <summary>Its own certificate as PEM, for those who want to trust it.</summary>
    string Certificate { get; }

    IssuedCertificate Issue(IReadOnlyList<string> dnsNames);
}
