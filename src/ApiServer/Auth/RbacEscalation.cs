using k8s.Models;
using Knet.Kube.Admission;

namespace Knet.ApiServer.Auth;

/// <summary>Nobody may give, by roles and bindings, rights that they do not have themselves.</summary>
internal static class RbacEscalation
{
    private static readonly V1PolicyRule[] Everything =
    [
        new() { ApiGroups = ["*"], Resources = ["*"], Verbs = ["*"] }, new() { NonResourceURLs = ["*"], Verbs = ["*"] },
    ];

    /// <summary>Whether the rules allow all there is, as cluster-admin does.</summary>
    public static bool IsEverything(IReadOnlyList<V1PolicyRule> held) => Missing(held, Everything).Count == 0;

    /// <summary>Why these rules may not be given, in Kubernetes' words; null when the user holds them all.</summary>
    public static string? Problem(KubeUser user, IReadOnlyList<V1PolicyRule> held, IEnumerable<V1PolicyRule> given)
    {
        var missing = Missing(held, given);
        if (missing.Count == 0)
        {
            return null;
        }

        var groups = string.Join(' ', user.Groups.Select(g => $"\"{g}\""));
        var rules = Compact(missing).Select(Text).Distinct().Order(StringComparer.Ordinal);
        return $"user \"{user.Name}\" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{string.Join('\n', rules)}";
    }

    // Each rule is taken apart into single rights; each must be covered by one rule held.
    private static List<V1PolicyRule> Missing(IReadOnlyList<V1PolicyRule> held, IEnumerable<V1PolicyRule> given) =>
        [.. given.SelectMany(Apart).Where(right => !held.Any(rule => Covers(rule, right)))];

    private static IEnumerable<V1PolicyRule> Apart(V1PolicyRule rule)
    {
        foreach (var verb in rule.Verbs ?? [])
        {
            foreach (var group in rule.ApiGroups ?? [])
            {
                foreach (var resource in rule.Resources ?? [])
                {
                    if (rule.ResourceNames is not { Count: > 0 } names)
                    {
                        yield return new() { ApiGroups = [group], Resources = [resource], Verbs = [verb] };
                        continue;
                    }

                    foreach (var name in names)
                    {
                        yield return new() { ApiGroups = [group], Resources = [resource], ResourceNames = [name], Verbs = [verb] };
                    }
                }
            }

            foreach (var url in rule.NonResourceURLs ?? [])
            {
                yield return new() { NonResourceURLs = [url], Verbs = [verb] };
            }
        }
    }

    private static bool Covers(V1PolicyRule rule, V1PolicyRule right)
    {
        if (!Has(rule.Verbs, right.Verbs[0]))
        {
            return false;
        }

        if (right.NonResourceURLs is [var url])
        {
            return rule.NonResourceURLs?.Any(p =>
                p == url || (p.EndsWith('*') && url.TrimEnd('*').StartsWith(p.TrimEnd('*'), StringComparison.Ordinal))) == true;
        }

        var resource = right.Resources[0];
        var slash = resource.IndexOf('/', StringComparison.Ordinal);
        return Has(rule.ApiGroups, right.ApiGroups[0])
            && (Has(rule.Resources, resource) || (slash > 0 && rule.Resources?.Contains("*" + resource[slash..]) == true))
            && (rule.ResourceNames is not { Count: > 0 } names || (right.ResourceNames is [var name] && names.Contains(name)));
    }

    private static bool Has(IList<string>? list, string wanted) => list is not null && (list.Contains("*") || list.Contains(wanted));

    private static IEnumerable<V1PolicyRule> Compact(IEnumerable<V1PolicyRule> rights) => rights
        .GroupBy(r => (r.ApiGroups?[0], r.Resources?[0], r.ResourceNames?[0], r.NonResourceURLs?[0]))
        .Select(same => same.First() with { Verbs = [.. same.Select(r => r.Verbs[0]).Distinct()] });

    private static string Text(V1PolicyRule rule)
    {
        var parts = new[]
        {
            ("APIGroups", rule.ApiGroups), ("Resources", rule.Resources), ("NonResourceURLs", rule.NonResourceURLs),
            ("ResourceNames", rule.ResourceNames), ("Verbs", rule.Verbs),
        };
        return "{" + string.Join(", ", parts.Where(p => p.Item2 is { Count: > 0 })
            .Select(p => $"{p.Item1}:[{string.Join(' ', p.Item2!.Select(v => $"\"{v}\""))}]")) + "}";
    }
}
