using System.Text;
using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Eventing.Config;
using Knet.Eventing.Webhook;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.Unit.Eventing;

/// <summary>Defaults and refusals of Broker and Trigger, with upstream's texts.</summary>
public sealed class EventingAdmissionTests
{
    private const string Refusal = "admission webhook \"validation.webhook.eventing.knative.dev\" denied the request: validation failed: ";

    private static readonly BrokerDefaults Shipped = BrokerDefaultsMap.Parse(
        EventingConfigMaps.Create().Single(m => m.Metadata.Name == "config-br-defaults").Data.ToDictionary());

    [Fact]
    public void Broker_GetsClassAndDelivery()
    {
        var broker = new KnBroker { Metadata = Meta() }.WithDefaults(Policy(), null);
        Assert.Equal("Knet", broker.Class());
        Assert.Null(broker.Spec.Config);
        Assert.Equal((10, "exponential", "PT0.2S"), (
            broker.Spec.Delivery!.Retry!.Value, broker.Spec.Delivery.BackoffPolicy, broker.Spec.Delivery.BackoffDelay));
        Assert.Equal("kim", broker.Metadata.Annotations["eventing.knative.dev/creator"]);
    }

    [Fact]
    public void BrokerOnChannels_GetsItsConfiguration()
    {
        var broker = new KnBroker { Metadata = Meta("MTChannelBasedBroker") }.WithDefaults(Policy(), null);
        Assert.Equal(
            new KReference { ApiVersion = "v1", Kind = "ConfigMap", Name = "config-br-default-channel", Namespace = "knative-eventing" },
            broker.Spec.Config);
    }

    [Fact]
    public void NamespaceDefault_IsBeforeTheClusters()
    {
        var defaults = BrokerDefaultsMap.Parse(new Dictionary<string, string>
        {
            ["default-br-config"] =
                "clusterDefault: {brokerClass: A}\nnamespaceDefaults: {shop: {brokerClass: B, kind: ConfigMap, name: c, apiVersion: v1}}",
        });
        var broker = new KnBroker { Metadata = Meta() }.WithDefaults(Policy() with { Brokers = defaults }, null);
        Assert.Equal(("B", "c", "shop"), (broker.Class(), broker.Spec.Config!.Name, broker.Spec.Config.Namespace));
    }

    [Fact]
    public void BrokerClass_NeverChanges()
    {
        var old = new KnBroker { Metadata = Meta("MTChannelBasedBroker") };
        Assert.Equal(
            Refusal + "Immutable fields changed (-old +new): annotations\n{string}:\n\t-: \"MTChannelBasedBroker\"\n\t+: \"mutable\"\n",
            Refused(new KnBroker { Metadata = Meta("mutable") }, old, "brokers", "Broker"));
    }

    [Fact]
    public void BrokerConfig_NeverChangesAndDeliveryDoes()
    {
        var old = new KnBroker { Metadata = Meta("Knet") };
        Assert.Null(Refused(old with { Spec = new BrokerSpec { Delivery = new DeliverySpec { Retry = 3 } } }, old, "brokers", "Broker"));
        var config = new KReference { ApiVersion = "v1", Kind = "ConfigMap", Name = "c" };
        Assert.StartsWith(
            Refusal + "Immutable fields changed (-old +new): spec\n",
            Refused(old with { Spec = new BrokerSpec { Config = config } }, old, "brokers", "Broker"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"retry":-1}""", "invalid value: -1: spec.delivery.retry")]
    [InlineData("""{"backoffPolicy":"Linear"}""", "invalid value: Linear: spec.delivery.backoffPolicy")]
    [InlineData("""{"backoffDelay":"5s"}""", "invalid value: 5s: spec.delivery.backoffDelay")]
    [InlineData("""{"timeout":"PT0S"}""", "invalid value: PT0S: spec.delivery.timeout")]
    [InlineData("""{"retryAfterMax":"PT1S"}""", "must not set the field(s): spec.delivery.retryAfterMax")]
    [InlineData("""{"format":"xml"}""", "invalid value: xml: spec.delivery.format")]
    [InlineData(
        """{"deadLetterSink":{}}""",
        "expected at least one, got none: spec.delivery.deadLetterSink.ref, spec.delivery.deadLetterSink.uri")]
    [InlineData(
        """{"deadLetterSink":{"uri":"/x"}}""",
        "invalid value: Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent: spec.delivery.deadLetterSink.uri")]
    public void BadDelivery_IsRefused(string delivery, string why)
    {
        var spec = new BrokerSpec { Delivery = KubeJson.Deserialize<DeliverySpec>(Encoding.UTF8.GetBytes(delivery)) };
        Assert.Equal(Refusal + why, Refused(new KnBroker { Metadata = Meta("Knet"), Spec = spec }, null, "brokers", "Broker"));
    }

    [Fact]
    public void Trigger_GetsFilterNamespaceAndLabel()
    {
        var trigger = Trigger("""{"broker":"default","subscriber":{"ref":{"apiVersion":"v1","kind":"Service","name":"s"}}}""")
            .WithDefaults(Policy(), null);
        Assert.NotNull(trigger.Spec.Filter);
        Assert.Equal("shop", trigger.Spec.Subscriber.Ref!.Namespace);
        Assert.Equal("default", trigger.Metadata.Labels["eventing.knative.dev/broker"]);
    }

    [Theory]
    [InlineData("""{"subscriber":{"uri":"http://a"}}""", "missing field(s): spec.broker")]
    [InlineData(
        """{"broker":"b","brokerRef":{"apiVersion":"eventing.knative.dev/v1","kind":"Broker","name":"b"},"subscriber":{"uri":"http://a"}}""",
        "expected exactly one, got both: spec.broker, spec.brokerRef")]
    [InlineData(
        """{"brokerRef":{"apiVersion":"v1","kind":"Broker","name":"b","namespace":"other"},"subscriber":{"uri":"http://a"}}""",
        "must not set the field(s): spec.brokerRef.namespace")]
    [InlineData("""{"broker":"b"}""", "expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri")]
    [InlineData(
        """{"broker":"b","subscriber":{"uri":"http://a"},"filter":{"attributes":{"Type":"x"}}}""",
        "invalid key name \"Type\": spec.filter.attributes\n" +
        "Attribute name must start with a letter and can only contain lowercase alphanumeric")]
    [InlineData(
        """{"broker":"b","subscriber":{"uri":"http://a"},"filters":[{"exact":{"type":"x"},"cesql":"TRUE"}]}""",
        "multiple dialects found, filters can have only one dialect set: spec.filters[0]")]
    [InlineData(
        """{"broker":"b","subscriber":{"uri":"http://a","ref":{"kind":"Service","name":"s","apiVersion":"v1"}}}""",
        "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present: " +
        "spec.subscriber.[apiVersion, kind, name], spec.subscriber.ref, spec.subscriber.uri")]
    public void BadTrigger_IsRefused(string spec, string why) =>
        Assert.Equal(Refusal + why, Refused(Trigger(spec), null, "triggers", "Trigger"));

    [Fact]
    public void TriggersBroker_NeverChanges()
    {
        var old = Trigger("""{"broker":"a","subscriber":{"uri":"http://a"}}""");
        Assert.StartsWith(
            Refusal + "Immutable fields changed (-old +new): broker, spec\n",
            Refused(Trigger("""{"broker":"b","subscriber":{"uri":"http://a"}}"""), old, "triggers", "Trigger"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("knative.dev/dependency", "{}", "missing field(s): metadata.annotations[knative.dev/dependency].apiVersion")]
    [InlineData("knative.dev/dependency", "x", "The provided annotation was not a corev1.ObjectReference: \"x\"")]
    [InlineData("eventing.knative.dev/injection", "on", "can only be \"enabled\" or \"disabled\", not \"on\"")]
    [InlineData("eventing.knative.dev/injection", "enabled", "non-default broker specified here: \"b\"")]
    public void BadAnnotation_IsRefused(string key, string value, string why)
    {
        var trigger = Trigger("""{"broker":"b","subscriber":{"uri":"http://a"}}""");
        trigger.Metadata.Annotations = new Dictionary<string, string> { [key] = value };
        Assert.Contains(why, Refused(trigger, null, "triggers", "Trigger"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config-features", "delivery-timeout", "maybe", "delivery-timeout: \"maybe\" is not valid")]
    [InlineData("config-br-defaults", "default-br-config", "clusterDefault: [", "default-br-config: ")]
    [InlineData("default-ch-webhook", "default-ch-config", "clusterDefault: {kind: {}}", "default-ch-config: clusterDefault.kind")]
    public void BadConfigMap_IsRefused(string name, string key, string value, string why)
    {
        var map = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "knative-eventing" },
            Data = new Dictionary<string, string> { [key] = value },
        };
        Assert.StartsWith(
            $"admission webhook \"config.webhook.eventing.knative.dev\" denied the request: validation failed: {why}",
            Ask(map, null, new ResourceType("", "v1", "configmaps", "ConfigMap", true)).Denied, StringComparison.Ordinal);
    }

    [Fact]
    public void ShippedConfigMaps_AreAllowed() =>
        Assert.All(EventingConfigMaps.Create(), map => Assert.Null(
            Ask(map, null, new ResourceType("", "v1", "configmaps", "ConfigMap", true)).Denied));

    private static V1ObjectMeta Meta(string? brokerClass = null) => new()
    {
        Name = "default", NamespaceProperty = "shop",
        Annotations = brokerClass is null ? null : new Dictionary<string, string> { ["eventing.knative.dev/broker.class"] = brokerClass },
    };

    private static KnTrigger Trigger(string spec) => new()
    {
        Metadata = new V1ObjectMeta { Name = "t", NamespaceProperty = "shop" },
        Spec = KubeJson.Deserialize<TriggerSpec>(Encoding.UTF8.GetBytes(spec)),
    };

    private static EventingPolicy Policy() => new() { Brokers = Shipped, User = "kim" };

    private static string? Refused<T>(T value, T? old, string plural, string kind) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Ask(value, old, new ResourceType(EventingKeys.Group, "v1", plural, kind, true)).Denied;

    private static AdmissionResponse Ask<T>(T value, T? old, ResourceType type) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        using var config = Knet.Eventing.EventingControllers.RegisterConfig(new ConfigSource("knative-serving", NullLogger.Instance));
        var request = new AdmissionRequest(
            old is null ? KubeVerb.Create : KubeVerb.Update, type, "",
            new ObjectKey(value.Metadata.NamespaceProperty, value.Metadata.Name), KubeDocument.From(value),
            old is null ? null : KubeDocument.From(old), new KubeUser("kim", []), false);
        var admission = new EventingAdmission(config);
        Assert.True(admission.Handles(type, "", request.Operation));
        return admission.Validate(request);
    }
}
