using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>
/// Acting as somebody else, by the headers <c>Impersonate-User</c>, <c>-Group</c>, <c>-Uid</c> and <c>-Extra-KEY</c>, each with its right.
/// </summary>
internal sealed class Impersonation(IAuthorizer authorizer)
{
    public const string Authenticated = "system:authenticated";
    public const string Unauthenticated = "system:unauthenticated";
    public const string AnonymousName = "system:anonymous";
    private const string AccountPrefix = "system:serviceaccount:";
    private const string ExtraPrefix = "Impersonate-Extra-";
    private const string AuthenticationGroup = "authentication.k8s.io";

    /// <exception cref="KubeException">400: what goes with a user, without one; 403: the right is missing.</exception>
    public KubeUser Apply(KubeUser user, Credentials credentials)
    {
        var (names, groups, uids) =
            (credentials.Header("Impersonate-User"), credentials.Header("Impersonate-Group"), credentials.Header("Impersonate-Uid"));
        var extra = Extra(credentials);
        if (names is not [{ Length: > 0 } name, ..])
        {
            return groups.Count == 0 && uids.Count == 0 && extra.Count == 0
                ? user
                : throw KubeException.Of(
                    400, "BadRequest", $"requested {string.Join(", ", groups.Concat(uids).Concat(extra.Keys))} without impersonating a user");
        }

        IReadOnlyList<string> granted = groups;
        if (name.StartsWith(AccountPrefix, StringComparison.Ordinal) && name[AccountPrefix.Length..].Split(':') is [var ns, var account])
        {
            Demand(user, new("impersonate", "", "serviceaccounts", "", ns, account));
            granted = groups.Count > 0 ? groups : KubeUser.ServiceAccount(ns, account).Groups;
        }
        else
        {
            Demand(user, new("impersonate", "", "users", "", "", name));
        }

        foreach (var group in groups)
        {
            Demand(user, new("impersonate", "", "groups", "", "", group));
        }

        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
            {
                Demand(user, new("impersonate", AuthenticationGroup, "userextras", key, "", value));
            }
        }

        var uid = uids is [{ Length: > 0 } given, ..] ? given : "";
        if (uid.Length > 0)
        {
            Demand(user, new("impersonate", AuthenticationGroup, "uids", "", "", uid));
        }

        var also = name == AnonymousName ? Unauthenticated : Authenticated;
        return new KubeUser(name, granted.Contains(also) || granted.Contains(Unauthenticated) ? granted : [.. granted, also], uid) { Extra = extra };
    }

    // Keys come in any case and percent-encoded, since a header's name cannot hold a slash.
    private static Dictionary<string, IReadOnlyList<string>> Extra(Credentials credentials) => (credentials.HeaderNames ?? [])
        .Where(n => n.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
        .ToDictionary(n => Uri.UnescapeDataString(n[ExtraPrefix.Length..]).ToLowerInvariant(), credentials.Header, StringComparer.Ordinal);

    private void Demand(KubeUser user, AccessAttributes wanted)
    {
        var (allowed, _) = authorizer.Authorize(user, wanted);
        if (!allowed)
        {
            var resource = wanted.Subresource.Length > 0 ? $"{wanted.Resource}/{wanted.Subresource}" : wanted.Resource;
            var kind = wanted.Group.Length > 0 ? $"{wanted.Resource}.{wanted.Group}" : wanted.Resource;
            var where = wanted.Namespace.Length > 0 ? $"in the namespace \"{wanted.Namespace}\"" : "at the cluster scope";
            throw KubeException.Of(
                403, "Forbidden", $"{kind} \"{wanted.Name}\" is forbidden: User \"{user.Name}\" cannot impersonate resource "
                    + $"\"{resource}\" in API group \"{wanted.Group}\" {where}");
        }
    }
}
