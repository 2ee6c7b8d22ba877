using System.Net;
using System.Net.Sockets;
using k8s.Models;

namespace Knet.Node.Network;

/// <summary>A pod's network: a named namespace with one address.</summary>
/// <param name="Id">Names the sandbox within this node.</param>
/// <param name="NetnsPath">A path that <c>setns</c> and OCI runtimes take, such as <c>/run/netns/…</c>.</param>
/// <param name="Ip">The pod's address, as in its status.</param>
public sealed record PodSandbox(string Id, string NetnsPath, string Ip);

/// <summary>The network of this node's pods.</summary>
public interface IPodNetwork
{
    /// <summary>A namespace from the pool of prepared ones, its address assigned. Fast: it is on the cold path.</summary>
    ValueTask<PodSandbox> AcquireAsync(string podUid, CancellationToken ct);

    /// <summary>Takes over the namespace of a pod that outlived the daemon; null when it is gone.</summary>
    Task<PodSandbox?> AdoptAsync(string podUid, string netnsPath, string ip);

    /// <summary>Gives the address back, destroys the namespace and refills the pool.</summary>
    ValueTask ReleaseAsync(PodSandbox sandbox);

    /// <summary>Looks whether the host's side still stands, and makes it again when something took it away. Cheap when it stands.</summary>
    /// <exception cref="NetworkException">The kernel refused.</exception>
    Task MendAsync(CancellationToken cancellationToken);

    /// <summary>A connection whose socket is made inside the pod's namespace: 127.0.0.1 is the pod's own loopback.</summary>
    /// <exception cref="SocketException">Nobody listens, or the namespace is gone.</exception>
    ValueTask<Socket> ConnectAsync(PodSandbox sandbox, IPAddress address, int port, CancellationToken ct);

    /// <summary>The text of the pod's <c>/etc/resolv.conf</c>, by its dnsPolicy and dnsConfig.</summary>
    string ResolvConf(V1Pod pod);
}
