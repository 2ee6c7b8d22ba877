using System.Net;

namespace Knet.Node.Dns;

/// <summary>The machine's own resolvers.</summary>
public static class HostResolvers
{
    private const string File = "/etc/resolv.conf";

    // Where systemd-resolved writes the real resolvers behind its stub on 127.0.0.53.
    private const string SystemdFile = "/run/systemd/resolve/resolv.conf";

    /// <summary>The name servers of <c>/etc/resolv.conf</c>, port 53; none when there is no such file.</summary>
    public static IReadOnlyList<IPEndPoint> Read() =>
        [.. Values(ReadText(File), "nameserver").Select(v => IPAddress.TryParse(v, out var a) ? a : null).OfType<IPAddress>()
            .Select(a => new IPEndPoint(a, 53))];

    /// <summary>The text that a pod with dnsPolicy Default gets: the one that names resolvers on the network, if there is such a file.</summary>
    public static string Text()
    {
        var text = ReadText(File);
        var onlyLoopback = Values(text, "nameserver").All(v => IPAddress.TryParse(v, out var a) && IPAddress.IsLoopback(a));
        return onlyLoopback && System.IO.File.Exists(SystemdFile) ? ReadText(SystemdFile) : text;
    }

    /// <summary>The words after a keyword, over all lines that begin with it.</summary>
    internal static IEnumerable<string> Values(string text, string keyword) =>
        text.Split('\n')
            .Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Where(w => w.Length > 1 && w[0] == keyword).SelectMany(w => w[1..]);

    private static string ReadText(string file) => System.IO.File.Exists(file) ? System.IO.File.ReadAllText(file) : "";
}
