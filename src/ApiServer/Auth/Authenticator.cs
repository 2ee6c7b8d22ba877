using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>A fixed bearer token and whom it stands for.</summary>
public sealed record StaticToken(string Token, KubeUser User);

/// <summary>What a request shows about who sent it.</summary>
/// <param name="Certificate">The client certificate of the connection, not yet checked.</param>
/// <param name="Authorization">The header of that name.</param>
/// <param name="Path">Some paths need no identity.</param>
/// <param name="Header">Reads all values of another header.</param>
public sealed record Credentials(
    X509Certificate2? Certificate, string? Authorization, string Path, Func<string, IReadOnlyList<string>> Header);

/// <summary>
/// Finds out who sends a request: a client certificate of the cluster's authority (CN = user, O = groups), a static token, a
/// service-account token; then impersonation, when the user may.
/// </summary>
public sealed class Authenticator(
    ClusterCa ca, ServiceAccountTokens serviceAccounts, IReadOnlyList<StaticToken> staticTokens, IAuthorizer authorizer)
{
    private const string AllAuthenticated = "system:authenticated";
    private static readonly KubeUser Anonymous = new("system:anonymous", ["system:unauthenticated"]);
    private static readonly string[] OpenPaths = ["/healthz", "/livez", "/readyz", "/version"];

    // One entry per connection: the chain is checked at its first request.
    private readonly ConditionalWeakTable<X509Certificate2, KubeUser?> _certificates = [];

    /// <summary>Whether a path is answered for everybody.</summary>
    public static bool IsOpen(string path) => OpenPaths.Any(p => path == p || path.StartsWith(p + "/", StringComparison.Ordinal));

    /// <exception cref="KubeException">401: nobody we know; 403: may not impersonate.</exception>
    public async Task<KubeUser> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        var user = await FindAsync(credentials, cancellationToken)
            ?? (IsOpen(credentials.Path) ? Anonymous : throw KubeException.Of(401, "Unauthorized", "Unauthorized"));
        return Impersonate(user, credentials.Header);
    }

    private async Task<KubeUser?> FindAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        if (credentials.Certificate is { } certificate && _certificates.GetValue(certificate, ByCertificate) is { } known)
        {
            return known;
        }

        const string scheme = "Bearer ";
        if (credentials.Authorization?.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) != true)
        {
            return null;
        }

        return await ByTokenAsync(credentials.Authorization[scheme.Length..].Trim(), cancellationToken)
            ?? throw KubeException.Of(401, "Unauthorized", "Unauthorized");
    }

    private async Task<KubeUser?> ByTokenAsync(string token, CancellationToken cancellationToken)
    {
        foreach (var known in staticTokens)
        {
            // The comparison takes as long for a near miss as for a far one.
            if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(known.Token), Encoding.UTF8.GetBytes(token)))
            {
                return WithAuthenticated(known.User);
            }
        }

        return (await serviceAccounts.VerifyAsync(token, [], cancellationToken)).Token?.User;
    }

    private KubeUser? ByCertificate(X509Certificate2 certificate)
    {
        if (!ca.Signed(certificate))
        {
            return null;
        }

        var name = "";
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
            {
                continue;
            }

            switch (part.GetSingleElementType().Value)
            {
                case "2.5.4.3": name = part.GetSingleElementValue() ?? ""; break;
                case "2.5.4.10": groups.Add(part.GetSingleElementValue() ?? ""); break;
            }
        }

        return name.Length == 0 ? null : WithAuthenticated(new KubeUser(name, groups));
    }

    private static KubeUser WithAuthenticated(KubeUser user) =>
        user.Groups.Contains(AllAuthenticated) ? user : user with { Groups = [.. user.Groups, AllAuthenticated] };

    private KubeUser Impersonate(KubeUser user, Func<string, IReadOnlyList<string>> header)
    {
        var names = header("Impersonate-User");
        var groups = header("Impersonate-Group");
        if (names.Count == 0)
        {
            return groups.Count == 0
                ? user
                : throw KubeException.Of(400, "BadRequest", "requested [{Group  " + groups[0] + "}] without impersonating a user");
        }

        var name = names[0];
        const string prefix = "system:serviceaccount:";
        if (name.StartsWith(prefix, StringComparison.Ordinal) && name[prefix.Length..].Split(':') is [var ns, var account])
        {
            Demand(user, new("impersonate", "", "serviceaccounts", "", ns, account));
            var asAccount = KubeUser.ServiceAccount(ns, account);
            name = asAccount.Name;
            groups = groups.Count > 0 ? groups : asAccount.Groups;
        }
        else
        {
            Demand(user, new("impersonate", "", "users", "", "", name));
        }

        foreach (var group in header("Impersonate-Group"))
        {
            Demand(user, new("impersonate", "", "groups", "", "", group));
        }

        var uid = header("Impersonate-Uid") is [var given, ..] ? given : "";
        if (uid.Length > 0)
        {
            Demand(user, new("impersonate", "authentication.k8s.io", "uids", "", "", uid));
        }

        return WithAuthenticated(new KubeUser(name, [.. groups], uid));
    }

    private void Demand(KubeUser user, AccessAttributes wanted)
    {
        var (allowed, _) = authorizer.Authorize(user, wanted);
        if (!allowed)
        {
            var where = wanted.Namespace.Length > 0 ? $"in the namespace \"{wanted.Namespace}\"" : "at the cluster scope";
            throw KubeException.Of(
                403, "Forbidden", $"{wanted.Resource} \"{wanted.Name}\" is forbidden: User \"{user.Name}\" cannot impersonate resource "
                    + $"\"{wanted.Resource}\" in API group \"{wanted.Group}\" {where}");
        }
    }
}
