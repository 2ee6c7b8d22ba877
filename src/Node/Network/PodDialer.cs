using System.Net;
using System.Net.Sockets;
using Knet.DataPlane.Forwarding;

namespace Knet.Node.Network;

/// <summary>Dials the user's program on 127.0.0.1 inside its pod, so that programs bound to loopback answer, without Nagle's delay.</summary>
public sealed class PodDialer(PodNetwork network) : IInstanceDialer
{
    public async ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken)
    {
        if (!network.TryFind(podIp, out var sandbox))
        {
            throw new SocketException((int)SocketError.HostUnreachable);
        }

        return new NetworkStream(await network.ConnectAsync(sandbox, IPAddress.Loopback, port, cancellationToken), ownsSocket: true);
    }
}
