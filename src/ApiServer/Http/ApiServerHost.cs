using System.Net;
using System.Security.Cryptography.X509Certificates;
using Knet.ApiServer.Auth;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Http;

/// <summary>Listens with TLS (HTTP/1.1 and HTTP/2) and hands every request to the application.</summary>
public sealed class ApiServerHost : IAsyncDisposable
{
    private readonly WebApplication _web;

    private ApiServerHost(WebApplication web) => _web = web;

    /// <summary>The addresses listened on, with the ports that were chosen for port 0.</summary>
    public IReadOnlyList<Uri> Addresses =>
        [.. _web.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!
            .Addresses.Select(a => new Uri(a))];

    /// <summary>Begins to listen.</summary>
    /// <param name="application">Answers the requests.</param>
    /// <param name="endpoints">Where; a port of 0 lets the system choose one.</param>
    /// <param name="certificate">The server's certificate with its key.</param>
    /// <param name="ca">Whose client certificates are asked for.</param>
    /// <exception cref="IOException">An address is taken or not this machine's.</exception>
    public static async Task<ApiServerHost> StartAsync(
        ApiHttpApplication application, IEnumerable<IPEndPoint> endpoints, X509Certificate2 certificate, ClusterCa ca, ILoggerFactory loggers,
        CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 250;
            foreach (var endpoint in endpoints)
            {
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    listen.UseHttps(https => Secure(https, certificate, ca));
                });
            }
        });
        var web = builder.Build();
        web.Run(application.HandleAsync);
        await web.StartAsync(cancellationToken);
        return new ApiServerHost(web);
    }

    /// <summary>Stops listening; requests and watches under way are cut off after a moment.</summary>
    public async ValueTask DisposeAsync()
    {
        using var hurry = new CancellationTokenSource();
        await hurry.CancelAsync();
        await _web.StopAsync(hurry.Token);
        await _web.DisposeAsync();
    }

    private static void Secure(HttpsConnectionAdapterOptions https, X509Certificate2 certificate, ClusterCa ca)
    {
        https.ServerCertificate = certificate;
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;

        // A certificate of somebody else's is no identity, but no reason to hang up either: the answer is a readable 401.
        https.ClientCertificateValidation = (_, _, _) => true;
        https.CheckCertificateRevocation = false;
        https.OnAuthenticate = (_, tls) => tls.CertificateChainPolicy = ca.ChainPolicy();
    }
}
