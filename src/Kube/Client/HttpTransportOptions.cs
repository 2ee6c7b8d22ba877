using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;

namespace Knet.Kube.Client;

/// <summary>Where an API server is, how it is trusted and who we are.</summary>
public sealed class HttpTransportOptions
{
    private readonly Lock _lock = new();
    private string? _tokenRead;
    private DateTimeOffset _tokenReadAt;

    /// <summary>Such as <c>https://127.0.0.1:6443/</c>; must end with a slash when it has a path.</summary>
    public required Uri Server { get; init; }

    /// <summary>Certificates that sign the server's; null: the machine's.</summary>
    public X509Certificate2Collection? CertificateAuthorities { get; init; }

    /// <summary>Accept any server certificate.</summary>
    public bool SkipVerification { get; init; }

    public X509Certificate2? ClientCertificate { get; init; }
    public string? Token { get; init; }

    /// <summary>A file with the token, read again every minute, because service-account tokens are rotated.</summary>
    public string? TokenFile { get; init; }

    public string UserAgent { get; init; } = "knet";

    /// <summary>For everything but watches. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>From a kubeconfig file: the named context, or the current one.</summary>
    /// <exception cref="k8s.Exceptions.KubeConfigException">The file does not say how to reach a server.</exception>
    public static HttpTransportOptions FromKubeConfig(string path, string? context = null) =>
        From(KubernetesClientConfiguration.BuildConfigFromConfigFile(path, context));

    /// <summary>From the files and variables that a pod finds.</summary>
    /// <exception cref="k8s.Exceptions.KubeConfigException">This is no pod.</exception>
    public static HttpTransportOptions InCluster() => From(KubernetesClientConfiguration.InClusterConfig());

    internal SocketsHttpHandler CreateHandler()
    {
        var tls = new SslClientAuthenticationOptions();
        if (SkipVerification)
        {
            // Asked for by name in the options or by insecure-skip-tls-verify in the kubeconfig.
#pragma warning disable CA5359
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (CertificateAuthorities is { Count: > 0 } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (ClientCertificate is not null)
        {
            tls.ClientCertificates = [ClientCertificate];
        }

        return new SocketsHttpHandler
        {
            SslOptions = tls,
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            UseCookies = false,
            AllowAutoRedirect = false,
            UseProxy = false,
        };
    }

    internal string? ReadToken()
    {
        if (TokenFile is null)
        {
            return Token;
        }

        lock (_lock)
        {
            var now = Time.GetUtcNow();
            if (_tokenRead is null || now - _tokenReadAt > TimeSpan.FromMinutes(1))
            {
                _tokenRead = File.ReadAllText(TokenFile).Trim();
                _tokenReadAt = now;
            }

            return _tokenRead;
        }
    }

    private static HttpTransportOptions From(KubernetesClientConfiguration config)
    {
        return new HttpTransportOptions
        {
            Server = new Uri(config.Host.TrimEnd('/') + "/"),
            CertificateAuthorities = config.SslCaCerts,
            SkipVerification = config.SkipTlsVerify,
            ClientCertificate = CertificateOf(config),
            Token = config.AccessToken,
            TokenFile = config.TokenProvider is null ? null : ServiceAccountToken,
        };
    }

    private static X509Certificate2? CertificateOf(KubernetesClientConfiguration config)
    {
        static string? Pem(string? base64, string? file) =>
            base64 is not null ? Encoding.UTF8.GetString(Convert.FromBase64String(base64)) : file is not null ? File.ReadAllText(file)
                : null;

        var certificate = Pem(config.ClientCertificateData, config.ClientCertificateFilePath);
        var key = Pem(config.ClientCertificateKeyData, config.ClientKeyFilePath);
        return certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key);
    }

    private const string ServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";
}
