using k8s.Models;
using Knet.ApiServer.Auth;
using Knet.Api.Serving;
using Knet.Gateway.Tls;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles;

/// <summary>
/// The authority that signs the hosts of Services; another than the API's, so that a browser may trust the one without the other. Its own
/// certificate is published in a ConfigMap.
/// </summary>
internal sealed class DomainAuthority(ClusterCa ca) : ICertificateAuthority
{
    /// <summary>The ConfigMap with its certificate, under <c>ca.crt</c>.</summary>
    public const string ConfigMap = "knet-domain-ca";

    public string Certificate => ca.CertificatePem;

    public IssuedCertificate Issue(IReadOnlyList<string> dnsNames)
    {
        var pair = ca.Issue(dnsNames);
        return new IssuedCertificate(pair.Certificate, pair.Key);
    }

    /// <summary>Writes the ConfigMap, labelled as upstream's components look for what they may trust.</summary>
    public Task PublishAsync(KubeClient client, CancellationToken cancellationToken) => client.ApplyAsync(
        new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Metadata = new V1ObjectMeta
            {
                Name = ConfigMap,
                NamespaceProperty = Identities.SystemNamespace,
                Labels = new Dictionary<string, string> { [NetworkingKeys.TrustBundle] = "true" },
            },
            Data = new Dictionary<string, string> { ["ca.crt"] = Certificate },
        },
        cancellationToken);
}
