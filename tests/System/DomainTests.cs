using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using k8s.Models;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Domains of one's own through API, controllers and gateway; and what a dry run of a Service tries.</summary>
public sealed class DomainTests(SystemPlatform platform)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Domain_BelongsToOneNamespaceUntilItIsGivenBack()
    {
        var client = platform.Client(Via.Process);
        var (first, second) = (await platform.NewNamespaceAsync(), await platform.NewNamespaceAsync());
        var domain = $"shop.{first}.example.org";
        foreach (var ns in new[] { first, second })
        {
            await client.CreateAsync(A.Service(ns, "hello", ns), Stop);
            await client.UntilAsync<KnService>(ns, "hello", A.Ready);
        }

        await client.CreateAsync(Mapping(first, domain), Stop);
        var ready = await client.UntilAsync<KnDomainMapping>(first, domain, m => ConditionSet.IsTrue(m.Status.Conditions));
        Assert.Equal($"http://{domain}:{platform.Gateway.Port}", ready.Status.Url);
        Assert.Equal((200, first), await platform.AskAsync(domain));

        await client.CreateAsync(Mapping(second, domain), Stop);
        var refused = await client.UntilAsync<KnDomainMapping>(
            second, domain, m => ConditionSet.IsFalse(m.Status.Conditions, DomainMappingStatus.DomainClaimed));
        Assert.Equal("DomainAlreadyClaimed", ConditionSet.Find(refused.Status.Conditions, "Ready")!.Reason);
        Assert.Equal((200, first), await platform.AskAsync(domain));

        await client.DeleteAsync<KnDomainMapping>(first, domain, Stop);
        await client.UntilAsync<KnDomainMapping>(second, domain, m => ConditionSet.IsTrue(m.Status.Conditions));
        Assert.Equal((200, second), await platform.AskAsync(domain));
    }

    [Fact]
    public async Task DryRun_AlsoTriesThePod()
    {
        var ns = await platform.NewNamespaceAsync();
        var service = A.Service(ns, "hello");
        service.Spec.Template.Spec.Containers[0].Name = "&InvalidValue";
        var request = new KubeRequest(KubeVerb.Create, ResourceType.Of<KnService>())
        {
            Namespace = ns, Body = KubeJson.Serialize(service), DryRun = true,
        };
        var transport = platform.Client(Via.Https).Transport;
        var refusal = await Assert.ThrowsAsync<KubeException>(() => transport.SendAsync(request, Stop));
        Assert.Equal(400, refusal.Code);
        Assert.StartsWith(
            "admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation callback failed: dry run failed with " +
            "Pod \"dry-run-validation",
            refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(": spec.template", refusal.Message, StringComparison.Ordinal);

        service.Spec.Template.Spec.Containers[0].Name = "fine";
        await transport.SendAsync(request with { Body = KubeJson.Serialize(service) }, Stop);
        Assert.Empty(await platform.Client(Via.Https).ListAsync<V1Pod>(ns, Stop));
    }

    private static KnDomainMapping Mapping(string ns, string domain) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = domain },
        Spec = new() { Ref = new() { ApiVersion = "serving.knative.dev/v1", Kind = "Service", Name = "hello" } },
    };
}
