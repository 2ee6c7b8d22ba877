using System.Globalization;
using System.Net;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Http;
using Knet.Daemon.Roles.Installed;
using Knet.Daemon.Startup;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>The API over HTTPS, on loopback and on the pods' bridge, and the kubeconfig that leads to it.</summary>
internal sealed class ApiFront(
    DaemonOptions options, ControlPlane plane, KubeletProxy kubelet, ClusterCa ca, ILoggerFactory loggers, TimeProvider time)
    : IAsyncDisposable
{
    private ApiServerHost? _host;

    /// <summary>The way to the node's own API.</summary>
    public KubeletProxy Kubelet { get; } = kubelet;

    public Uri Address { get; } = new($"https://127.0.0.1:{options.ApiPort.ToString(CultureInfo.InvariantCulture)}");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var authenticator = new Authenticator(ca, plane.Tokens, [], plane.Authorizer, loggers.CreateLogger<Authenticator>());
        var application = new ApiHttpApplication(
            plane.Core.Registry, authenticator, plane.Authorizer, plane.Tokens, Kubelet, new ApiHttpOptions
            {
                MaxBodyBytes = options.Limits.RequestBytes, WatchesMax = options.Limits.Watches,
            }, time,
            loggers.CreateLogger<ApiHttpApplication>());
        IPAddress[] own = [IPAddress.Loopback, IPAddress.IPv6Loopback, options.BridgeAddress, options.ApiServiceAddress];
        var certificate = ca.ServerCertificate([options.NodeName, "host.knet.internal"], own);
        IPAddress[] listened = System.Net.Sockets.Socket.OSSupportsIPv6 ? [own[0], own[1], own[2]] : [own[0], own[2]];
        _host = await ApiServerHost.StartAsync(
            application, listened.Select(a => new IPEndPoint(a, options.ApiPort)), certificate, ca, loggers, cancellationToken);
        WriteKubeconfig();
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        Kubelet.Dispose();
    }

    private void WriteKubeconfig()
    {
        var admin = ca.ClientCertificate("admin", "knet-admin", "system:masters");
        var temporary = options.Kubeconfig + ".new";
        File.WriteAllText(temporary, "");
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(temporary, KubeConfigText.For("knet", Address, ca.CertificatePem, admin));
        File.Move(temporary, options.Kubeconfig, overwrite: true);
    }
}
