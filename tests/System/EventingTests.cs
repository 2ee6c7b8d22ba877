using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Eventing;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Xunit;

namespace Knet.Tests.System;

/// <summary>Eventing's control plane as an installation has it: admission, defaults from ConfigMaps, conditions, access.</summary>
public sealed class EventingTests(SystemPlatform platform)
{
    [Fact]
    public async Task BrokerAndTrigger_GetDefaultsAndConditions()
    {
        var (ns, client) = (await platform.NewNamespaceAsync(), platform.Client(Via.Https));
        await client.CreateAsync(
            new KnBroker { Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "default" } }, TestContext.Current.CancellationToken);
        var trigger = new KnTrigger
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "t" },
            Spec = new TriggerSpec
            {
                Broker = "default",
                Subscriber = new Destination { Ref = new KReference { ApiVersion = "v1", Kind = "Service", Name = "nobody" } },
            },
        };
        await client.CreateAsync(trigger, TestContext.Current.CancellationToken);

        var broker = await client.UntilAsync<KnBroker>(ns, "default", b => b.Status.ObservedGeneration == b.Metadata.Generation);
        Assert.Equal(("Knet", 10), (broker.Class(), broker.Spec.Delivery?.Retry));
        Assert.Equal($"http://broker-ingress.knative-eventing.svc.cluster.local/{ns}/default", broker.Status.Address?.Url);
        var unresolved = await client.UntilAsync<KnTrigger>(ns, "t", t => t.Status.ObservedGeneration == t.Metadata.Generation);
        Assert.Equal(
            $"failed to get object {ns}/nobody: services \"nobody\" not found",
            ConditionSet.Find(unresolved.Status.Conditions, TriggerStatus.SubscriberResolved)?.Message);

        await client.DeleteAsync<KnBroker>(ns, "default", TestContext.Current.CancellationToken);
        var alone = await client.UntilAsync<KnTrigger>(ns, "t", t => ConditionSet.IsFalse(t.Status.Conditions, TriggerStatus.BrokerReady));
        Assert.Equal("BrokerDoesNotExist", ConditionSet.Find(alone.Status.Conditions, TriggerStatus.BrokerReady)?.Reason);
    }

    [Fact]
    public async Task BadTrigger_IsRefusedWithUpstreamsText()
    {
        var (ns, client) = (await platform.NewNamespaceAsync(), platform.Client(Via.Https));
        var refusal = await Assert.ThrowsAsync<KubeException>(() => client.CreateAsync(
            new KnTrigger { Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "t" } }, TestContext.Current.CancellationToken));
        Assert.StartsWith(
            "admission webhook \"validation.webhook.eventing.knative.dev\" denied the request: validation failed: ", refusal.Message,
            StringComparison.Ordinal);
        Assert.Contains("missing field(s): spec.broker", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_GatherByTheDuckTypesLabels()
    {
        var client = platform.Client(Via.Process);
        var resolver = await client.UntilAsync<V1ClusterRole>("", "addressable-resolver", r => Grants(r, "brokers") && Grants(r, "routes"));
        Assert.Contains(resolver.Rules, r => r.ApiGroups.Contains(EventingKeys.MessagingGroup) && r.Resources.Contains("channels/status"));
        await client.UntilAsync<V1ClusterRole>("", "channelable-manipulator", r => Grants(r, "inmemorychannels"));
        await client.UntilAsync<V1ClusterRole>(
            "", "crossnamespace-subscriber", r => r.Rules?.Any(rule => rule.Verbs.Contains("knsubscribe")) == true);
    }

    private static bool Grants(V1ClusterRole role, string resource) => role.Rules?.Any(r => r.Resources.Contains(resource)) == true;
}
