using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>HTTPS through the gateway's real sockets; platforms of their own, since TLS is a setting of the whole platform.</summary>
public sealed class TlsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ExternalDomainTls_ServiceAnswersUnderHttpsAndRedirectsToIt()
    {
        await using var platform = new SystemPlatform();
        await platform.InitializeAsync();
        var client = platform.Client(Via.Process);
        await SetAsync(client, """{"data":{"external-domain-tls":"enabled","http-protocol":"redirected"}}""");
        var ns = await platform.NewNamespaceAsync();
        await client.CreateAsync(A.Service(ns, "app", "secret"), Stop);
        var url = $"https://app.{ns}.localhost:{platform.SecureGateway.Port}";
        await client.UntilAsync<KnService>(ns, "app", s => A.Ready(s) && s.Status.Url == url);
        var certificate = Assert.Single(await client.ListAsync<KnCertificate>(ns, Stop));
        Assert.Empty(certificate.Status.Http01Challenges ?? []);
        var secret = await client.GetAsync<V1Secret>(ns, certificate.Spec.SecretName, Stop);
        Assert.Equal("kubernetes.io/tls", secret.Type);

        using var http = Https(platform);
        foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url))
            {
                Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var answer = await http.SendAsync(request, Stop);
            Assert.Equal("secret", await answer.Content.ReadAsStringAsync(Stop));
        }

        using var plain = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{platform.Gateway}/path?q=1"));
        plain.Headers.Host = $"app.{ns}.localhost";
        using var stays = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var redirect = await stays.SendAsync(plain, Stop);
        Assert.Equal(HttpStatusCode.MovedPermanently, redirect.StatusCode);
        Assert.Equal($"{url}/path?q=1", redirect.Headers.Location!.OriginalString);

        // A host without a certificate gets none of another's.
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"https://other.localhost:{platform.SecureGateway.Port}"), Stop));
    }

    private static Task SetAsync(KubeClient client, string patch) => client.PatchAsync<V1ConfigMap>(
        "knative-serving", "config-network", PatchKind.Merge, Encoding.UTF8.GetBytes(patch), Stop);

    /// <summary>A client that wants the name in a certificate of our authority, and finds every host at the gateway.</summary>
    private static HttpClient Https(SystemPlatform platform) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) &&
                certificate?.Issuer == platform.DomainCa.Certificate.Subject,
        },
        ConnectCallback = async (_, stop) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(platform.SecureGateway, stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
