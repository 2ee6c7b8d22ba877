using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Node.Volumes;

/// <summary>Tokens for a pod's service account, by TokenRequest, bound to the pod.</summary>
internal sealed class ServiceAccountTokens(KubeClient client, TimeProvider time)
{
    private const long DefaultSeconds = 3600;

    /// <returns>The token, and when to ask for the next: after 80 % of its life, as kubelet.</returns>
    /// <exception cref="KubeException">The API refused.</exception>
    public async Task<(string Token, DateTimeOffset RefreshAt)> RequestAsync(V1Pod pod, V1ServiceAccountTokenProjection projection)
    {
        var seconds = projection.ExpirationSeconds ?? DefaultSeconds;
        var now = time.GetUtcNow();
        var body = new Authenticationv1TokenRequest
        {
            ApiVersion = "authentication.k8s.io/v1",
            Kind = "TokenRequest",
            Metadata = new V1ObjectMeta(),
            Spec = new V1TokenRequestSpec
            {
                Audiences = string.IsNullOrEmpty(projection.Audience) ? [] : [projection.Audience],
                ExpirationSeconds = seconds,
                BoundObjectRef = new V1BoundObjectReference
                {
                    ApiVersion = "v1", Kind = "Pod", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid,
                },
            },
        };
        var request = new KubeRequest(KubeVerb.Create, ResourceType.Of<V1ServiceAccount>())
        {
            Namespace = pod.Metadata.NamespaceProperty,
            Name = string.IsNullOrEmpty(pod.Spec.ServiceAccountName) ? "default" : pod.Spec.ServiceAccountName,
            Subresource = "token",
            Body = KubeJson.Serialize(body),
        };
        var answer = (await client.Transport.SendAsync(request, CancellationToken.None)).Document.Decode<Authenticationv1TokenRequest>();
        DateTime? expires = answer.Status.ExpirationTimestamp;
        var lifetime = expires > now.UtcDateTime ? expires.Value - now.UtcDateTime : TimeSpan.FromSeconds(seconds);
        return (answer.Status.Token, now + (lifetime * 0.8));
    }
}
