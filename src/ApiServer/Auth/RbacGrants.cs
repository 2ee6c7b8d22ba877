using k8s.Models;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>What one binding gives one subject.</summary>
/// <param name="Namespace">Where it holds; empty for everywhere.</param>
/// <param name="Origin">The binding and role, in words.</param>
/// <param name="Missing">Set when the role does not exist, in words.</param>
internal sealed record RbacGrant(string Namespace, IReadOnlyList<V1PolicyRule> Rules, string Origin, string? Missing);

/// <summary>All bindings resolved to rules and indexed by subject, at one moment. Immutable.</summary>
internal sealed class RbacGrants
{
    private const string RbacGroup = "rbac.authorization.k8s.io";
    private readonly Dictionary<string, List<RbacGrant>> _bySubject = new(StringComparer.Ordinal);

    private readonly Dictionary<(string Kind, string Namespace, string Name), IReadOnlyList<V1PolicyRule>> _roles;

    private RbacGrants(Dictionary<(string Kind, string Namespace, string Name), IReadOnlyList<V1PolicyRule>> roles) => _roles = roles;

    public static RbacGrants From(IReadOnlyDictionary<(string Kind, string Namespace, string Name), KubeDocument> objects)
    {
        var roles = Roles(objects);
        var grants = new RbacGrants(roles);
        foreach (var ((kind, ns, name), document) in objects)
        {
            switch (kind)
            {
                case "ClusterRoleBinding":
                    var cluster = document.As<V1ClusterRoleBinding>();
                    grants.Bind("", $"ClusterRoleBinding \"{name}\"", cluster.RoleRef, cluster.Subjects);
                    break;
                case "RoleBinding":
                    var local = document.As<V1RoleBinding>();
                    grants.Bind(ns, $"RoleBinding \"{name}/{ns}\"", local.RoleRef, local.Subjects);
                    break;
            }
        }

        return grants;
    }

    public IReadOnlyList<V1PolicyRule>? RulesOf(string kind, string ns, string name) => _roles.GetValueOrDefault((kind, ns, name));

    public IEnumerable<RbacGrant> Of(KubeUser user)
    {
        foreach (var grant in _bySubject.GetValueOrDefault("User/" + user.Name) ?? [])
        {
            yield return grant;
        }

        foreach (var group in user.Groups)
        {
            foreach (var grant in _bySubject.GetValueOrDefault("Group/" + group) ?? [])
            {
                yield return grant;
            }
        }
    }

    private static Dictionary<(string Kind, string Namespace, string Name), IReadOnlyList<V1PolicyRule>> Roles(
        IReadOnlyDictionary<(string Kind, string Namespace, string Name), KubeDocument> objects)
    {
        var roles = new Dictionary<(string Kind, string Namespace, string Name), IReadOnlyList<V1PolicyRule>>();
        var clusterRoles = objects.Where(o => o.Key.Kind == "ClusterRole").Select(o => o.Value.As<V1ClusterRole>()).ToList();
        foreach (var (key, document) in objects)
        {
            if (key.Kind == "Role")
            {
                roles[key] = [.. document.As<V1Role>().Rules ?? []];
            }
            else if (key.Kind == "ClusterRole")
            {
                roles[key] = Aggregated(document.As<V1ClusterRole>(), clusterRoles, depth: 0);
            }
        }

        return roles;
    }

    // edit aggregates into admin and view into edit, so the selection is followed a few steps; the bound ends circles.
    private static List<V1PolicyRule> Aggregated(V1ClusterRole role, List<V1ClusterRole> all, int depth)
    {
        var rules = new List<V1PolicyRule>(role.Rules ?? []);
        if (role.AggregationRule?.ClusterRoleSelectors is { Count: > 0 } selectors && depth < 5)
        {
            foreach (var other in all.Where(o => o.Metadata.Name != role.Metadata.Name && selectors.Any(s => Selects(s, o.Metadata.Labels))))
            {
                rules.AddRange(Aggregated(other, all, depth + 1));
            }
        }

        return rules;
    }

    internal static bool Selects(V1LabelSelector selector, IDictionary<string, string>? labels)
    {
        string? Of(string name) => labels is not null && labels.TryGetValue(name, out var value) ? value : null;
        return (selector.MatchLabels ?? new Dictionary<string, string>()).All(m => Of(m.Key) == m.Value)
            && (selector.MatchExpressions ?? []).All(e => e.OperatorProperty switch
            {
                "In" => Of(e.Key) is { } value && e.Values?.Contains(value) == true,
                "NotIn" => Of(e.Key) is not { } value || e.Values?.Contains(value) != true,
                "Exists" => Of(e.Key) is not null,
                "DoesNotExist" => Of(e.Key) is null,
                _ => false,
            });
    }

    private void Bind(
        string ns, string binding, V1RoleRef? reference, IList<Rbacv1Subject>? subjects)
    {
        if (reference is null)
        {
            return;
        }

        var known = _roles.TryGetValue((reference.Kind, reference.Kind == "Role" ? ns : "", reference.Name), out var rules);
        var missing = known ? null : $"{reference.Kind.ToLowerInvariant()}.{RbacGroup} \"{reference.Name}\" not found";
        foreach (var subject in subjects ?? [])
        {
            var (key, words) = subject.Kind == "ServiceAccount"
                ? ($"User/system:serviceaccount:{subject.NamespaceProperty ?? ns}:{subject.Name}",
                    $"ServiceAccount \"{subject.Name}/{subject.NamespaceProperty ?? ns}\"")
                : ($"{subject.Kind}/{subject.Name}", $"{subject.Kind} \"{subject.Name}\"");
            var grant = new RbacGrant(ns, rules ?? [], $"{binding} of {reference.Kind} \"{reference.Name}\" to {words}", missing);
            if (!_bySubject.TryGetValue(key, out var list))
            {
                _bySubject[key] = list = [];
            }

            list.Add(grant);
        }
    }
}
