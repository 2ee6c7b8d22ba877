using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Knet.ApiServer.Auth;

/// <summary>A certificate with its private key, both as PEM text.</summary>
public sealed record PemPair(string Certificate, string Key);

/// <summary>
/// The cluster's certificate authority (ECDSA P-256): it signs the API server's certificate and those of clients. Everything is kept in
/// one directory, private keys with mode 0600, and reused as long as it is valid.
/// </summary>
public sealed class ClusterCa : IDisposable
{
    private static readonly TimeSpan CaLifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan LeafLifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    // Clocks of virtual machines disagree a little.
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(1);

    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly X509Certificate2 _ca;

    // Several may ask for the same file at once: the first makes it.
    private readonly Lock _files = new();

    private ClusterCa(string directory, TimeProvider time, X509Certificate2 ca)
    {
        _directory = directory;
        _time = time;
        _ca = ca;
    }

    /// <summary>The authority's own certificate, for trust decisions.</summary>
    public X509Certificate2 Certificate => _ca;

    /// <summary>The authority's certificate as PEM: what goes into kubeconfigs and <c>kube-root-ca.crt</c>.</summary>
    public string CertificatePem => _ca.ExportCertificatePem();

    /// <summary>Loads the authority from the directory, or makes it there.</summary>
    /// <exception cref="IOException">The directory cannot be read or written.</exception>
    /// <exception cref="CryptographicException">A file is damaged: delete the directory to start with a new authority.</exception>
    /// <param name="name">The common name of an authority that is made.</param>
    public static ClusterCa LoadOrCreate(string directory, TimeProvider time, string name = "knet-ca")
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (Read(directory, "ca") is { } kept)
        {
            return new(directory, time, X509Certificate2.CreateFromPem(kept.Certificate, kept.Key));
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now - Backdated, now + CaLifetime);
        var pair = new PemPair(made.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
        Write(directory, "ca", pair);
        return new(directory, time, X509Certificate2.CreateFromPem(pair.Certificate, pair.Key));
    }

    /// <summary>The API server's certificate, made anew when a name is missing or it expires soon.</summary>
    /// <param name="extraNames">DNS names beyond those every API server has.</param>
    /// <param name="addresses">Addresses beyond loopback: the pods' bridge, the Service's cluster IP.</param>
    public X509Certificate2 ServerCertificate(IEnumerable<string> extraNames, IEnumerable<IPAddress> addresses)
    {
        var names = new SubjectAlternativeNameBuilder();
        string[] always =
        [
            "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost",
        ];
        foreach (var name in always.Concat(extraNames).Distinct())
        {
            names.AddDnsName(name);
        }

        foreach (var address in addresses.Prepend(IPAddress.IPv6Loopback).Prepend(IPAddress.Loopback).Distinct())
        {
            names.AddIpAddress(address);
        }

        var wanted = names.Build();
        if (Load(Read(_directory, "server")) is { } certificate)
        {
            var has = certificate.Extensions.FirstOrDefault(e => e.Oid?.Value == wanted.Oid?.Value);
            if (has is not null && has.RawData.AsSpan().SequenceEqual(wanted.RawData) && IsUsable(certificate))
            {
                return certificate;
            }

            certificate.Dispose();
        }

        var pair = Issue(new X500DistinguishedName("CN=kube-apiserver"), "1.3.6.1.5.5.7.3.1", wanted);
        Write(_directory, "server", pair);
        return X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
    }

    /// <summary>A client certificate kept under a file name: <c>admin</c>, <c>node</c>; made anew before it expires.</summary>
    /// <param name="file">Without extension; one user each.</param>
    /// <param name="user">The common name: the user.</param>
    /// <param name="groups">The organisations: the user's groups, such as <c>system:masters</c>.</param>
    public PemPair ClientCertificate(string file, string user, params IReadOnlyList<string> groups)
    {
        lock (_files)
        {
            return KeptFor(file, user) ?? Make(file, user, groups);
        }
    }

    private PemPair? KeptFor(string file, string user)
    {
        var kept = Read(_directory, file);
        using var certificate = Load(kept);
        return certificate is not null && IsUsable(certificate) && certificate.GetNameInfo(X509NameType.SimpleName, false) == user ? kept : null;
    }

    // Null when there is none, or when the daemon was killed between writing the two files, so that they do not belong together.
    private static X509Certificate2? Load(PemPair? pair)
    {
        try
        {
            return pair is null ? null : X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return null;
        }
    }

    private PemPair Make(string file, string user, IReadOnlyList<string> groups)
    {
        var name = new X500DistinguishedNameBuilder();
        foreach (var group in groups)
        {
            name.AddOrganizationName(group);
        }

        name.AddCommonName(user);
        var pair = Issue(name.Build(), "1.3.6.1.5.5.7.3.2", names: null);
        Write(_directory, file, pair);
        return pair;
    }

    /// <summary>A certificate for a server of these names, kept by whoever asked.</summary>
    public PemPair Issue(IEnumerable<string> dnsNames)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in dnsNames)
        {
            names.AddDnsName(name);
        }

        // The names stand in the extension; as a common name a long one would not be allowed.
        return Issue(new X500DistinguishedName("CN=knet"), "1.3.6.1.5.5.7.3.1", names.Build());
    }

    /// <summary>A signing key kept in the directory: the one of service-account tokens.</summary>
    public ECDsa SigningKey(string file)
    {
        var path = Path.Combine(_directory, file + ".key");
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path))
        {
            key.ImportFromPem(File.ReadAllText(path));
        }
        else
        {
            WriteSecret(path, key.ExportPkcs8PrivateKeyPem());
        }

        return key;
    }

    /// <summary>Whether this authority signed a certificate and it is valid now.</summary>
    public bool Signed(X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = ChainPolicy() };
        return chain.Build(certificate);
    }

    /// <summary>Trust in this authority alone; nothing is ever fetched from an address that a certificate names.</summary>
    public X509ChainPolicy ChainPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTimeIgnored = false,
            VerificationTime = _time.GetUtcNow().LocalDateTime,
        };
        policy.CustomTrustStore.Add(_ca);
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return policy;
    }

    public void Dispose() => _ca.Dispose();

    private bool IsUsable(X509Certificate2 certificate)
    {
        var key = certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier;
        var ours = _ca.Extensions.OfType<X509SubjectKeyIdentifierExtension>().First().SubjectKeyIdentifierBytes;
        return key is { } id && id.Span.SequenceEqual(ours.Span)
            && certificate.NotAfter.ToUniversalTime() > _time.GetUtcNow().UtcDateTime + RenewBefore;
    }

    private PemPair Issue(X500DistinguishedName subject, string usage, X509Extension? names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_ca, true, false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        var now = _time.GetUtcNow();
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using var certificate = request.Create(_ca, now - Backdated, now + LeafLifetime, serial);
        return new(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static PemPair? Read(string directory, string file)
    {
        var (certificate, key) = (Path.Combine(directory, file + ".crt"), Path.Combine(directory, file + ".key"));
        return File.Exists(certificate) && File.Exists(key) ? new(File.ReadAllText(certificate).TrimEnd(), File.ReadAllText(key).TrimEnd()) : null;
    }

    private static void Write(string directory, string file, PemPair pair)
    {
        WriteSecret(Path.Combine(directory, file + ".key"), pair.Key);
        WriteSecret(Path.Combine(directory, file + ".crt"), pair.Certificate);
    }

    // Renamed into place, so that a crash leaves the old file or the new one.
    private static void WriteSecret(string path, string text)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var writer = new StreamWriter(draft, options))
        {
            writer.Write(text + "\n");
        }

        File.Move(draft, path, overwrite: true);
    }
}
