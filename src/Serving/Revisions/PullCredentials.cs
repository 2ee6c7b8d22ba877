using System.Text;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Oci;
using Knet.Oci.Registry;

namespace Knet.Serving.Revisions;

/// <summary>Finds what a namespace may show to a registry.</summary>
public interface IPullCredentials
{
    /// <summary>Credentials that fit the image's registry, in the order in which they are to be tried; none for anonymous.</summary>
    Task<IReadOnlyList<RegistryCredentials>> ForAsync(DigestQuery query, CancellationToken cancellationToken);
}

/// <summary>
/// Reads the pull secrets that a Revision and its service account name: <c>kubernetes.io/dockerconfigjson</c> and the older
/// <c>kubernetes.io/dockercfg</c>. Secrets that do not exist or do not fit are passed over, as the
/// kubelet does; one that is broken is an error that says so.
/// </summary>
public sealed class PullCredentials(KubeClient client) : IPullCredentials
{
    public async Task<IReadOnlyList<RegistryCredentials>> ForAsync(DigestQuery query, CancellationToken cancellationToken)
    {
        var names = query.PullSecrets.Split(',', StringSplitOptions.RemoveEmptyEntries).ToList();
        var account = await client.FindAsync<V1ServiceAccount>(
            query.Namespace, query.ServiceAccount.Length == 0 ? "default" : query.ServiceAccount, cancellationToken);
        names.AddRange((account?.ImagePullSecrets ?? []).Select(s => s.Name ?? "").Where(n => n.Length > 0));
        var result = new List<RegistryCredentials>();
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            var secret = await client.FindAsync<V1Secret>(query.Namespace, name, cancellationToken);
            if (secret?.Data is { } data &&
                (data.TryGetValue(".dockerconfigjson", out var json) || data.TryGetValue(".dockercfg", out json)))
            {
                result.AddRange(DockerConfig.CredentialsFor(Encoding.UTF8.GetString(json), query.Image));
            }
        }

        return result;
    }
}
