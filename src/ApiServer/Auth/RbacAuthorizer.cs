using k8s.Models;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>
/// Role-based access control. Roles and bindings are fed in by whoever stores them, with <see cref="OnChanged"/>; until then only
/// group <c>system:masters</c> may do anything.
/// </summary>
public sealed class RbacAuthorizer : IAuthorizer
{
    /// <summary>The kinds to feed.</summary>
    public static readonly IReadOnlyList<string> Kinds = ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"];

    private const string Masters = "system:masters";
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Kind, string Namespace, string Name), KubeDocument> _objects = [];
    private RbacGrants? _grants;

    /// <summary>Takes in a new state of a role or binding. Other kinds are ignored.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="change">Added and Modified put the document in, Deleted takes it out.</param>
    public void OnChanged(string kind, WatchEventType change, KubeDocument document)
    {
        if (!Kinds.Contains(kind) || change == WatchEventType.Bookmark)
        {
            return;
        }

        lock (_gate)
        {
            var key = (kind, document.Key.Namespace, document.Key.Name);
            if (change == WatchEventType.Deleted)
            {
                _objects.Remove(key);
            }
            else
            {
                _objects[key] = document;
            }

            _grants = null;
        }
    }

    /// <inheritdoc/>
    public (bool Allowed, string Reason) Authorize(KubeUser user, AccessAttributes attributes)
    {
        if (user.Groups.Contains(Masters))
        {
            return (true, "");
        }

        var grants = Current();
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var grant in grants.Of(user))
        {
            if (grant.Namespace.Length > 0 && (grant.Namespace != attributes.Namespace || attributes.NonResourcePath is not null))
            {
                continue;
            }

            if (grant.Missing is { } role)
            {
                missing.Add(role);
            }
            else if (grant.Rules.Any(rule => Allows(rule, attributes)))
            {
                return (true, $"RBAC: allowed by {grant.Origin}");
            }
        }

        return (false, missing.Count == 0 ? "" : "RBAC: " + (missing.Count == 1 ? missing.Min : $"[{string.Join(", ", missing)}]"));
    }

    /// <summary>Every rule a user has in a namespace (and cluster-wide): for SelfSubjectRulesReview.</summary>
    public IReadOnlyList<V1PolicyRule> RulesFor(KubeUser user, string ns) => user.Groups.Contains(Masters)
        ?
        [
            new V1PolicyRule { ApiGroups = ["*"], Resources = ["*"], Verbs = ["*"] },
            new V1PolicyRule { NonResourceURLs = ["*"], Verbs = ["*"] },
        ]
        : [.. Current().Of(user).Where(g => g.Namespace.Length == 0 || g.Namespace == ns).SelectMany(g => g.Rules)];

    /// <summary>The rules of a role, with those aggregated into it; null when there is no such role.</summary>
    /// <param name="kind"><c>Role</c> or <c>ClusterRole</c>.</param>
    public IReadOnlyList<V1PolicyRule>? RulesOf(string kind, string ns, string name) => Current().RulesOf(kind, ns, name);

    internal static bool Allows(V1PolicyRule rule, AccessAttributes wanted)
    {
        if (!Matches(rule.Verbs, wanted.Verb))
        {
            return false;
        }

        if (wanted.NonResourcePath is { } path)
        {
            return rule.NonResourceURLs?.Any(p => p == "*" || p == path
                || (p.EndsWith('*') && path.StartsWith(p[..^1], StringComparison.Ordinal))) == true;
        }

        return Matches(rule.ApiGroups, wanted.Group) && MatchesResource(rule.Resources, wanted)
            && (rule.ResourceNames is not { Count: > 0 } names || names.Contains(wanted.Name));
    }

    private static bool Matches(IList<string>? allowed, string wanted) =>
        allowed is not null && (allowed.Contains("*") || allowed.Contains(wanted));

    private static bool MatchesResource(IList<string>? allowed, AccessAttributes wanted)
    {
        if (allowed is null)
        {
            return false;
        }

        if (allowed.Contains("*"))
        {
            return true;
        }

        return wanted.Subresource.Length == 0
            ? allowed.Contains(wanted.Resource)
            : allowed.Contains($"{wanted.Resource}/{wanted.Subresource}") || allowed.Contains($"*/{wanted.Subresource}");
    }

    private RbacGrants Current()
    {
        if (Volatile.Read(ref _grants) is { } known)
        {
            return known;
        }

        lock (_gate)
        {
            return _grants ??= RbacGrants.From(_objects);
        }
    }
}
