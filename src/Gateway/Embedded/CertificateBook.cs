using System.Security.Cryptography;
using Knet.Api.Meta;
using Knet.DataPlane.Protocol;
using Knet.Gateway.Model;

namespace Knet.Gateway.Embedded;

/// <summary>
/// The certificates of all Ingresses. Of several for one host that of the oldest Ingress is shown, as with routes. Called under the rule
/// book's lock.
/// </summary>
internal sealed class CertificateBook(CertificateTable table)
{
    private readonly Dictionary<string, List<Claim>> _claims = new(StringComparer.OrdinalIgnoreCase);

    /// <returns>What is wrong with certificates that cannot be shown, in sentences.</returns>
    public List<string> Apply(IngressRules? old, IngressRules? fresh)
    {
        var problems = new List<string>();
        var key = (fresh ?? old)!.Key;
        foreach (var host in (old?.Certificates ?? []).SelectMany(c => c.Hosts).Except((fresh?.Certificates ?? []).SelectMany(c => c.Hosts)))
        {
            Take(host, key);
        }

        foreach (var rules in fresh?.Certificates ?? [])
        {
            try
            {
                // Read before anything changes: what cannot be read replaces nothing that works.
                var context = CertificateTable.Read(rules.Certificate, rules.PrivateKey);
                foreach (var host in rules.Hosts)
                {
                    Put(host, fresh!.Created, key, rules);
                    if (_claims[host][0].Key == key)
                    {
                        table.Set(host, context);
                    }
                }
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                problems.Add($"The certificate of Secret {rules.Secret} cannot be used: {e.Message}");
            }
        }

        return problems;
    }

    private void Put(string host, DateTime created, ObjectKey key, CertificateRules rules)
    {
        if (!_claims.TryGetValue(host, out var claims))
        {
            _claims[host] = claims = [];
        }

        claims.RemoveAll(c => c.Key == key);
        claims.Add(new Claim(created, key, rules));
        claims.Sort(static (a, b) => a.Created != b.Created
            ? a.Created.CompareTo(b.Created)
            : string.CompareOrdinal(a.Key.ToString(), b.Key.ToString()));
    }

    private void Take(string host, ObjectKey key)
    {
        if (!_claims.TryGetValue(host, out var claims) || claims.RemoveAll(c => c.Key == key) == 0)
        {
            return;
        }

        if (claims.Count > 0)
        {
            table.Set(host, CertificateTable.Read(claims[0].Rules.Certificate, claims[0].Rules.PrivateKey));
            return;
        }

        _claims.Remove(host);
        table.Remove(host);
    }

    private sealed record Claim(DateTime Created, ObjectKey Key, CertificateRules Rules);
}
