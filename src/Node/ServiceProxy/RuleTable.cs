using System.Net;
using Knet.Api.Meta;
using Knet.Node.Network;

namespace Knet.Node.ServiceProxy;

/// <summary>What has to change for the rules of some Services to be in force.</summary>
/// <param name="Removed">Rules in force that go or change, by name.</param>
/// <param name="Added">Rules that come, or the new form of those that change, by name.</param>
/// <param name="HairpinRemoved">Pod addresses that are no endpoint any more, ascending.</param>
/// <param name="HairpinAdded">Pod addresses that become one, ascending.</param>
internal sealed record RuleChange(
    IReadOnlyList<ServiceRule> Removed, IReadOnlyList<ServiceRule> Added,
    IReadOnlyList<IPAddress> HairpinRemoved, IReadOnlyList<IPAddress> HairpinAdded);

/// <summary>The rules of all Services, and what changed of them since the last program.</summary>
/// <remarks>A change costs what it changes, however many Services there are. Used from one loop only.</remarks>
internal sealed class RuleTable(NetworkOptions options)
{
    private static readonly Comparison<ServiceRule> ByName = static (a, b) => string.CompareOrdinal(a.Name, b.Name);

    private readonly Dictionary<ObjectKey, IReadOnlyList<ServiceRule>> _rules = [];

    // Two Services may claim one address for a moment, while an address is given on: the first by name wins.
    private readonly Dictionary<string, List<ServiceRule>> _claims = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServiceRule?> _touched = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, int> _endpoints = [];

    /// <param name="key">The Service.</param>
    /// <param name="rules">All of its rules now; empty when it has none any more.</param>
    public void Put(ObjectKey key, IReadOnlyList<ServiceRule> rules)
    {
        foreach (var rule in _rules.GetValueOrDefault(key) ?? [])
        {
            var claims = Touch(rule.Chain);
            claims.RemoveAll(r => ReferenceEquals(r, rule));
        }

        foreach (var rule in rules)
        {
            var claims = Touch(rule.Chain);
            claims.Add(rule);
            claims.Sort(ByName);
        }

        if (rules.Count > 0)
        {
            _rules[key] = rules;
        }
        else
        {
            _rules.Remove(key);
        }
    }

    /// <summary>What changed since the last time it was asked; the caller puts it in force.</summary>
    public RuleChange Take()
    {
        var (removed, added) = (new List<ServiceRule>(), new List<ServiceRule>());
        foreach (var (chain, before) in _touched)
        {
            var now = _claims[chain].FirstOrDefault();
            if (now is null)
            {
                _claims.Remove(chain);
            }

            if (before is null ? now is null : now is not null && now.Same(before))
            {
                continue;
            }

            removed.AddRange(before is null ? [] : [before]);
            added.AddRange(now is null ? [] : [now]);
        }

        _touched.Clear();
        removed.Sort(ByName);
        added.Sort(ByName);
        var (gone, come) = CountEndpoints(removed, added);
        return new RuleChange(removed, added, gone, come);
    }

    private List<ServiceRule> Touch(string chain)
    {
        if (!_claims.TryGetValue(chain, out var claims))
        {
            _claims[chain] = claims = [];
        }

        _touched.TryAdd(chain, claims.FirstOrDefault());
        return claims;
    }

    private (IReadOnlyList<IPAddress> Gone, IReadOnlyList<IPAddress> Come) CountEndpoints(List<ServiceRule> removed, List<ServiceRule> added)
    {
        var difference = new Dictionary<IPAddress, int>();
        Count(removed, -1);
        Count(added, 1);
        var (gone, come) = (new List<IPAddress>(), new List<IPAddress>());
        foreach (var (address, change) in difference)
        {
            var before = _endpoints.GetValueOrDefault(address);
            var now = before + change;
            if (now == 0)
            {
                _endpoints.Remove(address);
            }
            else
            {
                _endpoints[address] = now;
            }

            if (before == 0 != (now == 0))
            {
                (now == 0 ? gone : come).Add(address);
            }
        }

        return (Sorted(gone), Sorted(come));

        void Count(List<ServiceRule> rules, int by)
        {
            foreach (var (address, _) in rules.SelectMany(r => r.Targets).Where(t => options.PodRange.Contains(t.Address)))
            {
                difference[address] = difference.GetValueOrDefault(address) + by;
            }
        }

        static IReadOnlyList<IPAddress> Sorted(List<IPAddress> addresses) => [.. addresses.OrderBy(Ipv4.ToNumber)];
    }
}
