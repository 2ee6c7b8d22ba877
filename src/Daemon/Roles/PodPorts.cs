using System.Net;
using k8s.Models;
using Knet.Gateway.Embedded;
using Knet.Node.Logs;
using Knet.Node.Network;
using Knet.Node.Pods;

namespace Knet.Daemon.Roles;

/// <summary>
/// The virtual queue-proxies of this node's pods: their ports are opened in the pod's network namespace by the network and served by the
/// gateway. This is where node and data plane meet; neither knows the other.
/// </summary>
internal sealed class PodPorts(PodNetwork network, EmbeddedGateway gateway, TimeProvider time) : IPodPorts
{
    // Upstream's queue-proxy: HTTP/1.1, h2c and the drain endpoint.
    private static readonly int[] Served = [8012, 8013, 8022];

    public IAsyncDisposable Open(PodSandbox sandbox, V1Pod pod, ContainerLog log)
    {
        if (QueueProxySettings.RequestLog(pod, sandbox.Ip, time, log.Write) is { } requests)
        {
            log.Open();
            gateway.Revisions.RequestLogs.Set(sandbox.Ip, requests);
        }

        return new OpenPorts(OpenAsync(sandbox), gateway, sandbox.Ip, log);
    }

    public Task DrainAsync(PodSandbox sandbox, V1Pod pod, CancellationToken cancellationToken) => gateway.DrainAsync(sandbox.Ip, cancellationToken);

    private async Task<PodListeners> OpenAsync(PodSandbox sandbox)
    {
        var listeners = await network.ListenAsync(sandbox, [.. Served.Select(port => new IPEndPoint(IPAddress.Any, port))]);
        for (var i = 0; i < Served.Length; i++)
        {
            gateway.ListenForPod(listeners.Sockets[i], sandbox.Ip, Served[i]);
        }

        return listeners;
    }

    private sealed class OpenPorts(Task<PodListeners> opening, EmbeddedGateway gateway, string podAddress, ContainerLog log)
        : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            gateway.Revisions.RequestLogs.Set(podAddress, null);
            log.Dispose();
            (await opening).Dispose();
        }
    }
}
