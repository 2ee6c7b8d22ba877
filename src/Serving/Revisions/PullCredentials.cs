using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Serving;
using Knet.Kube.Client;
using Knet.Oci;

namespace Knet.Serving.Revisions;

/// <summary>Finds what a namespace may show to a registry.</summary>
public interface IPullCredentials
{
    /// <summary>Credentials that fit the image's registry, in the order in which they are to be tried; none for anonymous.</summary>
    Task<IReadOnlyList<RegistryCredentials>> ForAsync(DigestQuery query, CancellationToken cancellationToken);
}

/// <summary>
/// Reads the pull secrets that a Revision and its service account name: <c>kubernetes.io/dockerconfigjson</c> and the older
/// <c>kubernetes.io/dockercfg</c>. Secrets that do not exist or do not fit are passed over, as the kubelet does.
/// </summary>
public sealed class PullCredentials(KubeClient client) : IPullCredentials
{
    public async Task<IReadOnlyList<RegistryCredentials>> ForAsync(DigestQuery query, CancellationToken cancellationToken)
    {
        var names = query.PullSecrets.Split(',', StringSplitOptions.RemoveEmptyEntries).ToList();
        var account = await client.FindAsync<V1ServiceAccount>(
            query.Namespace, query.ServiceAccount.Length == 0 ? "default" : query.ServiceAccount, cancellationToken);
        names.AddRange((account?.ImagePullSecrets ?? []).Select(s => s.Name ?? "").Where(n => n.Length > 0));
        var registry = ImageReference.TryParse(query.Image)?.Registry ?? "";
        var result = new List<RegistryCredentials>();
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            if (await client.FindAsync<V1Secret>(query.Namespace, name, cancellationToken) is { } secret)
            {
                result.AddRange(Of(secret, registry));
            }
        }

        return result;
    }

    /// <summary>The entries of a pull secret that are for this registry.</summary>
    internal static IEnumerable<RegistryCredentials> Of(V1Secret secret, string registry)
    {
        var data = secret.Data ?? new Dictionary<string, byte[]>();
        var auths = data.TryGetValue(".dockerconfigjson", out var modern) ? Parse(modern)?["auths"] as JsonObject
            : data.TryGetValue(".dockercfg", out var old) ? Parse(old)
            : null;
        foreach (var (server, entry) in auths ?? [])
        {
            if (entry is JsonObject fields && HostOf(server) == HostOf(registry))
            {
                yield return Credentials(fields);
            }
        }
    }

    private static RegistryCredentials Credentials(JsonObject fields)
    {
        var (user, password) = ((string?)fields["username"], (string?)fields["password"]);
        if (user is null && (string?)fields["auth"] is { Length: > 0 } auth)
        {
            var bytes = new byte[auth.Length];
            var text = Convert.TryFromBase64String(auth, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            (user, password) = colon > 0 ? (text[..colon], text[(colon + 1)..]) : (null, null);
        }

        return new RegistryCredentials(user, password);
    }

    // "https://index.docker.io/v1/", "docker.io" and "index.docker.io" are one registry.
    private static string HostOf(string server)
    {
        var scheme = server.IndexOf("://", StringComparison.Ordinal);
        var host = (scheme >= 0 ? server[(scheme + 3)..] : server).Split('/')[0];
        return host is "docker.io" or "registry-1.docker.io" ? "index.docker.io" : host;
    }

    private static JsonObject? Parse(byte[] json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
