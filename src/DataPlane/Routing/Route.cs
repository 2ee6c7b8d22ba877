using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;

namespace Knet.DataPlane.Routing;

/// <summary>What one host leads to. Frozen: a request reads it once, at its start, and never sees two of them.</summary>
/// <remarks>Hot: <see cref="Match"/> allocates nothing.</remarks>
public sealed class Route
{
    private readonly RoutePath[] _paths;

    /// <param name="hash">Identifies the rules in force; probes get it echoed.</param>
    /// <param name="redirect">Answer everything with 301 to https.</param>
    /// <param name="paths">In any order; matched by longest prefix, then by most headers.</param>
    public Route(string hash, bool redirect, IEnumerable<RoutePath> paths)
    {
        Hash = hash;
        Redirect = redirect;
        _paths = [.. paths.OrderByDescending(p => p.Prefix.Length).ThenByDescending(p => p.Headers.Length)];
    }

    public string Hash { get; }
    public bool Redirect { get; }
    public IReadOnlyList<RoutePath> Paths => _paths;

    /// <summary>The first path that fits, or null.</summary>
    public RoutePath? Match(string path, IHeaderDictionary headers)
    {
        foreach (var candidate in _paths)
        {
            if (candidate.Matches(path, headers))
            {
                return candidate;
            }
        }

        return null;
    }
}

/// <summary>A header that must have this value.</summary>
public readonly record struct HeaderRule(string Name, string Value);

/// <summary>Requests of a host whose path begins so and that carry these headers.</summary>
/// <remarks>Hot: choosing a split allocates nothing.</remarks>
public sealed class RoutePath
{
    private readonly Split[] _splits;
    private readonly int _total;

    /// <param name="prefix">Compared literally; empty or <c>/</c> fits every path.</param>
    /// <param name="splits">Shares; those of 0 percent get nothing.</param>
    public RoutePath(string prefix, ImmutableArray<HeaderRule> headers, IEnumerable<Split> splits)
    {
        Prefix = prefix == "/" ? "" : prefix;
        Headers = headers;
        _splits = [.. splits.Where(s => s.Percent > 0)];
        _total = _splits.Sum(s => s.Percent);
    }

    public string Prefix { get; }
    public ImmutableArray<HeaderRule> Headers { get; }

    /// <summary>The Host header that the backend sees; null keeps the client's.</summary>
    public string? RewriteHost { get; init; }

    /// <summary>Headers set on every request of this path.</summary>
    public ImmutableArray<HeaderRule> SetHeaders { get; init; } = [];

    public IReadOnlyList<Split> Splits => _splits;

    internal bool Matches(string path, IHeaderDictionary headers)
    {
        if (Prefix.Length > 0 && !path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var rule in Headers)
        {
            if (!headers.TryGetValue(rule.Name, out var value) || value.Count != 1 ||
                !string.Equals(value[0], rule.Value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The split that this number falls on; null when no split has a share.</summary>
    /// <param name="random">Any number of 0 and more; only its remainder counts.</param>
    public Split? Choose(int random)
    {
        if (_splits.Length <= 1)
        {
            return _splits.Length == 0 ? null : _splits[0];
        }

        var at = random % _total;
        foreach (var split in _splits)
        {
            at -= split.Percent;
            if (at < 0)
            {
                return split;
            }
        }

        return null;
    }
}

/// <summary>One share of a path's requests and where it goes.</summary>
public sealed record Split(int Percent, Backend Backend)
{
    /// <summary>Headers set on the requests of this share.</summary>
    public ImmutableArray<HeaderRule> SetHeaders { get; init; } = [];
}
