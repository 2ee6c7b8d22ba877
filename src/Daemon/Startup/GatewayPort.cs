using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Knet.Daemon.Startup;

/// <summary>
/// The port at which the gateway answers clients on this machine. The first choice is 80, then the first free of 8080…8099; what was chosen is
/// kept in a file, since it is part of every Service's URL.
/// </summary>
internal static class GatewayPort
{
    private const string FileName = "gateway-port";

    /// <exception cref="InvalidOperationException">No port is free, or the wanted one is taken.</exception>
    public static int Choose(string home, int wanted)
    {
        var file = Path.Combine(home, FileName);
        var kept = File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var port) ? port : 0;
        var candidates = wanted != 0 ? [wanted] : (int[])[.. kept == 0 ? [] : new[] { kept }, 80, .. Enumerable.Range(8080, 20)];
        foreach (var candidate in candidates)
        {
            if (IsFree(candidate))
            {
                Directory.CreateDirectory(home);
                File.WriteAllText(file, candidate.ToString(CultureInfo.InvariantCulture));
                return candidate;
            }
        }

        throw new InvalidOperationException(wanted != 0
            ? $"port {wanted} is taken on 127.0.0.1 or ::1; end the program that has it, or choose another with --gateway-port"
            : "port 80 and 8080 to 8099 are all taken on 127.0.0.1 or ::1; choose a free one with --gateway-port");
    }

    private static bool IsFree(int port) => CanBind(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanBind(IPAddress.IPv6Loopback, port));

    private static bool CanBind(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // A port in TIME_WAIT after a restart is ours to take again.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
