using Knet.DataPlane.Activation;

namespace Knet.DataPlane.Routing;

/// <summary>Where requests go in the end.</summary>
public abstract class Backend
{
    private protected Backend()
    {
    }
}

/// <summary>A Revision: buffered, limited, dialled directly.</summary>
public sealed class RevisionBackend(RevisionStates revisions, string ns, string name) : Backend
{
    private RevisionState _revision = revisions.GetOrAdd(ns, name);

    /// <summary>The Revision's state; after it was deleted and made again, the new one's.</summary>
    public RevisionState Revision
    {
        get
        {
            var known = _revision;
            return known.IsGone && revisions.Find(ns, name) is { } again ? _revision = again : known;
        }
    }
}

/// <summary>An ordinary Service: its addresses are tried in turn.</summary>
/// <param name="authorities"><c>host:port</c> each; none answers 503.</param>
public sealed class AddressBackend(IReadOnlyList<string> authorities, bool http2) : Backend
{
    private readonly string[] _prefixes = [.. authorities.Select(a => "http://" + a)];
    private int _turn;

    public bool Http2 { get; } = http2;
    public IReadOnlyList<string> Prefixes => _prefixes;

    /// <summary>The next address as a URI prefix, or null when there is none.</summary>
    public string? Next() => _prefixes.Length switch
    {
        0 => null,
        1 => _prefixes[0],
        _ => _prefixes[(uint)Interlocked.Increment(ref _turn) % (uint)_prefixes.Length],
    };
}

/// <summary>The gateway itself, under another host: a Service that is an alias of a Route (as DomainMappings use).</summary>
public sealed class HostBackend(string host) : Backend
{
    public string Host { get; } = host;
}
