using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Auth;

/// <summary>A fixed bearer token and whom it stands for.</summary>
public sealed record StaticToken(string Token, KubeUser User);

/// <summary>What a request shows about who sent it.</summary>
/// <param name="Certificate">The client certificate of the connection, not yet checked.</param>
/// <param name="Authorization">The header of that name.</param>
/// <param name="Path">Some paths need no identity.</param>
/// <param name="Header">Reads all values of another header.</param>
/// <param name="HeaderNames">The names of all headers.</param>
public sealed record Credentials(
    X509Certificate2? Certificate, string? Authorization, string Path, Func<string, IReadOnlyList<string>> Header,
    IEnumerable<string>? HeaderNames = null);

/// <summary>
/// Finds out who sends a request: a client certificate of the cluster's authority (CN = user, O = groups), a static token, a
/// service-account token; then impersonation, when the user may.
/// </summary>
public sealed partial class Authenticator(
    ClusterCa ca, ServiceAccountTokens serviceAccounts, IReadOnlyList<StaticToken> staticTokens, IAuthorizer authorizer,
    ILogger<Authenticator>? logger = null)
{
    private static readonly KubeUser Anonymous = new(Impersonation.AnonymousName, [Impersonation.Unauthenticated]);
    private readonly Impersonation _impersonation = new(authorizer);
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
        return _impersonation.Apply(user, credentials);
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

        var (verified, problem) = await serviceAccounts.VerifyAsync(token, [], cancellationToken);
        if (problem is not null && logger is not null)
        {
            Log.Refused(logger, problem); // the client learns nothing but that it is nobody
        }

        return verified?.User;
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
        user.Groups.Contains(Impersonation.Authenticated) ? user : user with { Groups = [.. user.Groups, Impersonation.Authenticated] };

    private static partial class Log
    {
        [LoggerMessage(3010, LogLevel.Warning, "Unable to authenticate a request: invalid bearer token, {Problem}")]
        public static partial void Refused(ILogger logger, string problem);
    }
}
