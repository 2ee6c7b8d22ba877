using System.Net.Sockets;

namespace Knet.Daemon.Startup;

/// <summary>Says what to do when a program of the user's has a port that we need.</summary>
internal static class TakenPort
{
    /// <param name="listen">Opens the sockets.</param>
    /// <param name="message">Which port, and the way out.</param>
    /// <exception cref="InvalidOperationException">An address is in use; with <paramref name="message"/>.</exception>
    public static async Task ExplainAsync(Func<Task> listen, string message)
    {
        try
        {
            await listen();
        }
        catch (Exception e) when (IsTaken(e))
        {
            throw new InvalidOperationException(message, e);
        }
    }

    private static bool IsTaken(Exception? e) =>
        e is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } || (e is not null && IsTaken(e.InnerException));
}
