using System.Collections.Concurrent;

namespace Knet.DataPlane.Routing;

/// <summary>
/// Which host leads where, as the control plane last said. Each <see cref="Route"/> is frozen and replaced whole, so a request, which
/// looks up once, never sees two states of it; a change costs only the hosts that it touches, however many others there are.
/// </summary>
/// <remarks>One writer; any number of readers without locks. Hot: <see cref="Find"/> allocates nothing.</remarks>
public sealed class RouteTable
{
    private readonly ConcurrentDictionary<string, Route> _routes = new(1, 1021, StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Route>.AlternateLookup<ReadOnlySpan<char>> _byHost;

    public RouteTable() => _byHost = _routes.GetAlternateLookup<ReadOnlySpan<char>>();

    public int Count => _routes.Count;

    /// <param name="hostHeader">As it came: with a port and a trailing dot or without. An IPv6 literal keeps its brackets.</param>
    public Route? Find(ReadOnlySpan<char> hostHeader) => _byHost.TryGetValue(HostOf(hostHeader), out var route) ? route : null;

    public void Set(string host, Route route) => _routes[host] = route;

    public void Remove(string host) => _routes.TryRemove(host, out _);

    /// <summary>The host alone, without allocating.</summary>
    public static ReadOnlySpan<char> HostOf(ReadOnlySpan<char> hostHeader)
    {
        var colon = hostHeader.LastIndexOf(':');
        if (colon >= 0 && hostHeader[colon..].IndexOf(']') < 0)
        {
            hostHeader = hostHeader[..colon];
        }

        return hostHeader.TrimEnd('.');
    }
}
