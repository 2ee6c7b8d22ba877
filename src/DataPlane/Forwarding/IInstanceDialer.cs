namespace Knet.DataPlane.Forwarding;

/// <summary>
/// Opens connections to instances of a Revision. Embedded, the node enters the pod's network namespace and dials 127.0.0.1 there, so
/// that programs bound to loopback answer; on a cluster it is an ordinary connection to the pod's address.
/// </summary>
public interface IInstanceDialer
{
    /// <param name="podIp">The pod's address, as in its status.</param>
    /// <param name="port">The user container's port (embedded), or the queue-proxy's (cluster).</param>
    /// <exception cref="System.Net.Sockets.SocketException">Nobody listens, or there is no such pod.</exception>
    ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken);
}
