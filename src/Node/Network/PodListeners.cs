using System.Net;
using System.Net.Sockets;

namespace Knet.Node.Network;

/// <summary>Listening TCP sockets within one pod's namespace, in the order asked for. Accepting on them works from any thread.</summary>
public sealed class PodListeners : IDisposable
{
    private PodListeners(IReadOnlyList<Socket> sockets) => Sockets = sockets;

    public IReadOnlyList<Socket> Sockets { get; }

    public void Dispose()
    {
        foreach (var socket in Sockets)
        {
            socket.Dispose();
        }
    }

    // On a thread that is inside the namespace.
    internal static PodListeners Open(IReadOnlyList<IPEndPoint> endpoints, int backlog)
    {
        var sockets = new List<Socket>(endpoints.Count);
        try
        {
            foreach (var endpoint in endpoints)
            {
                var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                socket.Bind(endpoint);
                socket.Listen(backlog);
            }

            return new(sockets);
        }
        catch
        {
            sockets.ForEach(s => s.Dispose());
            throw;
        }
    }
}
