using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Tokens of service accounts: bound ones and those in Secrets.</summary>
public sealed class TokenTests(SystemPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SecretForAnAccount_IsFilledWhenBothExistAndEndsWithTheAccount()
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Https);
        await client.CreateAsync(
            new V1Secret
            {
                ApiVersion = "v1", Kind = "Secret", Type = "kubernetes.io/service-account-token",
                Metadata = new V1ObjectMeta
                {
                    Name = "t", NamespaceProperty = ns,
                    Annotations = new Dictionary<string, string> { ["kubernetes.io/service-account.name"] = "robot" },
                },
            },
            Stop);
        var account = await client.CreateAsync(
            new V1ServiceAccount { ApiVersion = "v1", Kind = "ServiceAccount", Metadata = new() { Name = "robot", NamespaceProperty = ns } }, Stop);
        var secret = await client.GetAsync<V1Secret>(ns, "t", Stop);
        Assert.Equal(account.Metadata.Uid, secret.Metadata.Annotations["kubernetes.io/service-account.uid"]);
        Assert.Equal(["ca.crt", "namespace", "token"], secret.Data.Keys.Order(StringComparer.Ordinal));
        var token = Encoding.UTF8.GetString(secret.Data["token"]);
        var review = await ReviewAsync(client, token);
        Assert.Equal(($"system:serviceaccount:{ns}:robot", account.Metadata.Uid), (review.User.Username, review.User.Uid));
        Assert.Equal(["t"], review.User.Extra["authentication.kubernetes.io/secret-name"]);

        await client.DeleteAsync<V1ServiceAccount>(ns, "robot", Stop);
        Assert.Null(await client.FindAsync<V1Secret>(ns, "t", Stop));
        Assert.Equal($"[invalid bearer token, service account {ns}/robot has been deleted]", (await ReviewAsync(client, token)).Error);
    }

    [Fact]
    public async Task TokenOfAPod_NamesItAndDiesWithIt()
    {
        var ns = await platform.NewNamespaceAsync();
        var client = platform.Client(Via.Https);
        var pod = await client.CreateAsync(
            new V1Pod
            {
                ApiVersion = "v1", Kind = "Pod", Metadata = new() { Name = "p", NamespaceProperty = ns },
                Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = "x" }], SchedulerName = "nobody" },
            },
            Stop);
        var answer = await client.Transport.SendAsync(
            new KubeRequest(KubeVerb.Create, ResourceType.Of<V1ServiceAccount>())
            {
                Namespace = ns, Name = "default", Subresource = "token",
                Body = KubeJson.Serialize(new Authenticationv1TokenRequest
                {
                    ApiVersion = "authentication.k8s.io/v1", Kind = "TokenRequest",
                    Spec = new V1TokenRequestSpec
                    {
                        Audiences = ["api"], BoundObjectRef = new V1BoundObjectReference { ApiVersion = "v1", Kind = "Pod", Name = "p" },
                    },
                }),
            },
            Stop);
        var token = answer.Document.As<Authenticationv1TokenRequest>().Status.Token;
        var review = await ReviewAsync(client, token, "api", "other");
        Assert.Equal(["api"], review.Audiences);
        Assert.Equal(["p"], review.User.Extra["authentication.kubernetes.io/pod-name"]);
        Assert.Equal([pod.Metadata.Uid], review.User.Extra["authentication.kubernetes.io/pod-uid"]);
        await client.DeleteAsync<V1Pod>(ns, "p", Stop);
        Assert.Equal($"[invalid bearer token, pod {ns}/p has been deleted]", (await ReviewAsync(client, token, "api")).Error);
    }

    private static async Task<V1TokenReviewStatus> ReviewAsync(KubeClient client, string token, params string[] audiences)
    {
        var review = new V1TokenReview
        {
            ApiVersion = "authentication.k8s.io/v1", Kind = "TokenReview", Spec = new V1TokenReviewSpec { Token = token, Audiences = audiences },
        };
        var request = new KubeRequest(KubeVerb.Create, new ResourceType("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false))
        {
            Body = KubeJson.Serialize(review),
        };
        return (await client.Transport.SendAsync(request, Stop)).Document.As<V1TokenReview>().Status;
    }
}
