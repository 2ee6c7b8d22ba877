using System.Net.Sockets;

namespace Knet.Daemon.Startup;

/// <summary>
/// The names that an instance has in the kernel (interfaces, tables, control groups) belong to one daemon at a time, wherever its directories are.
/// An abstract socket says so: like those names it belongs to the network namespace, and the kernel gives it back when its holder ends.
/// </summary>
internal sealed class InstanceLock : IDisposable
{
    private readonly Socket _socket;

    private InstanceLock(Socket socket) => _socket = socket;

    /// <exception cref="InvalidOperationException">A daemon with other directories has the names.</exception>
    public static InstanceLock Take(string instance)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint($"\0knet-instance-{instance}"));
            return new InstanceLock(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw new InvalidOperationException(
                $"another knetd of this machine, with other directories, uses the names of instance \"{instance}\" (interface knet{instance}0): "
                + "stop it with its own KNET_HOME and KNET_RUN and knet down, or choose another name with --instance");
        }
    }

    public void Dispose() => _socket.Dispose();
}
