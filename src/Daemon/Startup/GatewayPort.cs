using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Knet.Daemon.Startup;

/// <summary>
/// A port at which the gateway answers clients on this machine. The first choice is the protocol's own, then the first free of twenty; what was
/// chosen is kept in a file, since it is part of every Service's URL.
/// </summary>
/// <param name="Name">Of the file, and of the option with which another port is chosen.</param>
/// <param name="Own">The port that URLs leave out.</param>
/// <param name="Others">The first of the twenty.</param>
internal sealed record GatewayPort(string Name, int Own, int Others)
{
    public static GatewayPort Http { get; } = new("gateway-port", 80, 8080);
    public static GatewayPort Https { get; } = new("gateway-tls-port", 443, 8443);

    /// <exception cref="InvalidOperationException">No port is free, or the wanted one is taken.</exception>
    public int Choose(string home, int wanted)
    {
        var file = Path.Combine(home, Name);
        var kept = File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var port) ? port : 0;
        var candidates = wanted != 0 ? [wanted] : (int[])[.. kept == 0 ? [] : new[] { kept }, Own, .. Enumerable.Range(Others, 20)];
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
            ? $"port {wanted} is taken on 127.0.0.1 or ::1; end the program that has it, or choose another with --{Name}"
            : $"port {Own} and {Others} to {Others + 19} are all taken on 127.0.0.1 or ::1; choose a free one with --{Name}");
    }

    /// <summary>
    /// A free port among those that Kubernetes gives to Services, for the gateway's own Service to ask for: at random, so that platforms
    /// on one machine do not ask for the same; 0 (any) when it finds none.
    /// </summary>
    public static int FindNodePort() =>
        Enumerable.Range(0, 50).Select(_ => Random.Shared.Next(30000, 32768)).FirstOrDefault(IsFree);

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
