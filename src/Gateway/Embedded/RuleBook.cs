using System.Collections.Immutable;
using Knet.Api.Meta;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Routing;
using Knet.Gateway.Model;
using Knet.Kube.Facts;

namespace Knet.Gateway.Embedded;

/// <summary>That these rules decide over every request from now on.</summary>
/// <param name="Problems">What is wrong with certificates that cannot be shown, in sentences; empty when all is well.</param>
public sealed record RulesInForce(string Hash, ImmutableArray<string> Problems);

/// <summary>
/// The routes of all Ingresses, for outside clients and for pods. Asking whether rules are in force puts them in force, at once and in
/// memory: the answer is true when it is given, so an Ingress is never reported ready before it is effective.
/// </summary>
/// <remarks>A change costs the hosts of its Ingress. Rules that nobody asks for any more are taken out.</remarks>
internal sealed class RuleBook(RevisionStates revisions, CertificateTable certificates) : IFactSource<IngressRules, RulesInForce>
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, (IngressRules Rules, RulesInForce InForce)> _rules = [];
    private readonly CertificateBook _certificates = new(certificates);
    private readonly HostClaims _external = new();
    private readonly HostClaims _internal = new();

    /// <summary>What outside clients may reach.</summary>
    public RouteTable External => _external.Table;

    /// <summary>What pods may reach: everything.</summary>
    public RouteTable Internal => _internal.Table;

    public Fact<RulesInForce> Ask(IngressRules query, Action wake)
    {
        lock (_gate)
        {
            if (!_rules.TryGetValue(query.Key, out var known) || !query.Equals(known.Rules))
            {
                var problems = _certificates.Apply(known.Rules, query);
                Apply(known.Rules, query);
                _rules[query.Key] = known = (query, new RulesInForce(query.Hash, [.. problems]));
            }

            return new Fact<RulesInForce>.Known(known.InForce);
        }
    }

    public void Forget(IngressRules query)
    {
        lock (_gate)
        {
            // An older form of rules that are still in force is not theirs to take away.
            if (_rules.TryGetValue(query.Key, out var known) && query.Equals(known.Rules))
            {
                _rules.Remove(query.Key);
                _certificates.Apply(query, null);
                Apply(query, null);
            }
        }
    }

    private void Apply(IngressRules? old, IngressRules? fresh)
    {
        var key = (fresh ?? old)!.Key;
        foreach (var host in fresh?.Hosts ?? [])
        {
            var claim = new Claim(fresh!.Created, key, ToRoute(host, fresh.Hash));
            _internal.Put(host.Host, claim with { Route = ToRoute(host with { Redirect = false }, fresh.Hash) });
            if (host.External)
            {
                _external.Put(host.Host, claim);
            }
            else
            {
                _external.Take(host.Host, key);
            }
        }

        var kept = (fresh?.Hosts ?? []).Select(h => h.Host).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var host in old?.Hosts ?? [])
        {
            if (!kept.Contains(host.Host))
            {
                _internal.Take(host.Host, key);
                _external.Take(host.Host, key);
            }
        }
    }

    private Route ToRoute(HostRules host, string hash) => new(hash, host.Redirect, host.Paths.Select(path =>
        new RoutePath(path.Prefix, ToHeaders(path.Headers), path.Splits.Select(s => new Split(s.Percent, ToBackend(s.Backend))
        {
            SetHeaders = ToHeaders(s.SetHeaders),
        }))
        {
            RewriteHost = path.RewriteHost,
            SetHeaders = ToHeaders(path.SetHeaders),
        }));

    private static ImmutableArray<HeaderRule> ToHeaders(ImmutableArray<HeaderRules> headers) =>
        [.. headers.Select(h => new HeaderRule(h.Name, h.Value))];

    private Backend ToBackend(BackendRules backend) => backend switch
    {
        BackendRules.Revision revision => new RevisionBackend(revisions, revision.Namespace, revision.Name),
        BackendRules.Addresses addresses => new AddressBackend(addresses.Authorities, addresses.Http2),
        BackendRules.Host host => new HostBackend(host.Name),
        _ => throw new InvalidOperationException($"unknown backend {backend}"),
    };

    /// <summary>An Ingress's wish to have a host.</summary>
    private sealed record Claim(DateTime Created, ObjectKey Key, Route Route);

    /// <summary>A table in which the oldest of several claims to a host wins, and the next takes over when it goes.</summary>
    private sealed class HostClaims
    {
        private readonly Dictionary<string, List<Claim>> _claims = new(StringComparer.OrdinalIgnoreCase);

        public RouteTable Table { get; } = new();

        public void Put(string host, Claim claim)
        {
            if (!_claims.TryGetValue(host, out var claims))
            {
                _claims[host] = claims = [];
            }

            claims.RemoveAll(c => c.Key == claim.Key);
            claims.Add(claim);
            claims.Sort(static (a, b) => a.Created != b.Created
                ? a.Created.CompareTo(b.Created)
                : string.CompareOrdinal(a.Key.ToString(), b.Key.ToString()));
            Table.Set(host, claims[0].Route);
        }

        public void Take(string host, ObjectKey key)
        {
            if (!_claims.TryGetValue(host, out var claims) || claims.RemoveAll(c => c.Key == key) == 0)
            {
                return;
            }

            if (claims.Count > 0)
            {
                Table.Set(host, claims[0].Route);
                return;
            }

            _claims.Remove(host);
            Table.Remove(host);
        }
    }
}
