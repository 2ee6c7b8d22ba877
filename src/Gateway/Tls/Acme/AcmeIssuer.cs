using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Knet.Kube.Client;

namespace Knet.Gateway.Tls.Acme;

/// <summary>Has certificates issued by an ACME server.</summary>
internal interface IAcmeIssuer
{
    /// <param name="config">Which server, and what it is told.</param>
    /// <exception cref="AcmeException">The server refused.</exception>
    Task<IssuedCertificate> IssueAsync(CertificateConfig config, IReadOnlyList<string> hosts, CancellationToken cancellationToken);
}

/// <summary>
/// Orders certificates as one account, whose key lives in a Secret of the system namespace; the hosts are proved by the gateway (http-01).
/// </summary>
internal sealed class AcmeIssuer(KubeClient client, ChallengeBook challenges, string systemNamespace, TimeProvider time) : IAcmeIssuer
{
    /// <summary>The Secret with the account's key.</summary>
    public const string AccountSecret = "knet-acme-account";

    private const string KeyName = "tls.key";

    public async Task<IssuedCertificate> IssueAsync(
        CertificateConfig config, IReadOnlyList<string> hosts, CancellationToken cancellationToken)
    {
        using var account = await AccountAsync(cancellationToken);
        using var http = Http(config);
        var acme = new AcmeClient(http, config.AcmeDirectory!, account, time);
        await acme.SignInAsync(config.AcmeEmail, cancellationToken);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var tokens = new List<string>();
        try
        {
            var certificate = await acme.OrderAsync(
                hosts,
                (token, answer) =>
                {
                    tokens.Add(token);
                    challenges.Put(token, answer);
                },
                Request(hosts, key), cancellationToken);
            return new IssuedCertificate(certificate, key.ExportPkcs8PrivateKeyPem());
        }
        finally
        {
            tokens.ForEach(challenges.Remove);
        }
    }

    private static byte[] Request(IReadOnlyList<string> hosts, ECDsa key)
    {
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        return request.CreateSigningRequest();
    }

    private async Task<AcmeKey> AccountAsync(CancellationToken cancellationToken)
    {
        var kept = await client.FindAsync<V1Secret>(systemNamespace, AccountSecret, cancellationToken);
        if (kept?.Data is { } data && data.TryGetValue(KeyName, out var pem))
        {
            return AcmeKey.Read(Encoding.UTF8.GetString(pem));
        }

        var key = AcmeKey.Create();
        try
        {
            await client.CreateAsync(
                new V1Secret
                {
                    ApiVersion = "v1", Kind = "Secret", Type = "Opaque",
                    Metadata = new V1ObjectMeta { Name = AccountSecret, NamespaceProperty = systemNamespace },
                    Data = new Dictionary<string, byte[]> { [KeyName] = Encoding.UTF8.GetBytes(key.ToPem()) },
                },
                cancellationToken);
            return key;
        }
        catch (KubeException e) when (e.IsAlreadyExists)
        {
            // Another order was quicker; both must be the same account.
            key.Dispose();
            return await AccountAsync(cancellationToken);
        }
    }

    private static HttpClient Http(CertificateConfig config)
    {
        var handler = new SocketsHttpHandler();
        if (config.AcmeTrust.Length > 0)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.ImportFromPem(config.AcmeTrust);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("knet");
        return http;
    }
}
