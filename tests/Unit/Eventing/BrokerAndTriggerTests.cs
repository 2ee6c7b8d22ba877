using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Eventing.Config;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Eventing.Brokers;
using Knet.Eventing.Triggers;
using Knet.Tests.Unit.Kube;
using Xunit;

namespace Knet.Tests.Unit.Eventing;

/// <summary>What Brokers and Triggers of class Knet say of themselves. Neither has children: a reconcile writes a status only.</summary>
public sealed class BrokerAndTriggerTests
{
    private const string Ns = "shop";

    [Fact]
    public void Deleting_NothingIsSaid()
    {
        var broker = Broker();
        broker.Metadata.DeletionTimestamp = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Assert.Null(new BrokerReconciler().Reconcile(broker, View()).Status);
        var trigger = Trigger();
        trigger.Metadata.DeletionTimestamp = broker.Metadata.DeletionTimestamp;
        Assert.Null(new TriggerReconciler().Reconcile(trigger, View()).Status);
    }

    [Fact]
    public void OtherClass_IsLeftToItsController()
    {
        Assert.Null(new BrokerReconciler().Reconcile(Broker("MTChannelBasedBroker"), View()).Status);
        Assert.Null(new TriggerReconciler().Reconcile(Trigger(), View(Broker("MTChannelBasedBroker"))).Status);
    }

    [Fact]
    public void BrokerWithoutDataPlane_IsNotReady()
    {
        var status = new BrokerReconciler().Reconcile(Broker(), View()).Status!;
        AssertCondition(
            status.Conditions, "Ready", "False", "EndpointsUnavailable", "Endpoints \"broker-ingress\" are unavailable.");
        Assert.Equal("http://broker-ingress.knative-eventing.svc.cluster.local/shop/default", status.Address!.Url);
    }

    [Fact]
    public void BrokerWithDataPlane_IsReadyAndStable()
    {
        var broker = Broker();
        var status = new BrokerReconciler().Reconcile(broker, View(Endpoints("broker-ingress"), Endpoints("broker-filter"))).Status!;
        AssertCondition(status.Conditions, "Ready", "True", null, null);
        Assert.Equal(
            ["Addressable", "DeadLetterSinkResolved", "EventPoliciesReady", "FilterReady", "IngressReady", "Ready", "TriggerChannelReady"],
            status.Conditions!.Select(c => c.Type));
        var later = View(Endpoints("broker-ingress"), Endpoints("broker-filter"));
        later.Now = later.Now.AddHours(1);
        var again = new BrokerReconciler().Reconcile(broker with { Status = status }, later);
        Assert.Empty(again.Steps);
        Assert.Equal(KubeJson.Serialize(status), KubeJson.Serialize(again.Status!));
    }

    [Fact]
    public void Identities_AreNotPretended()
    {
        var view = View(Endpoints("broker-ingress"), Endpoints("broker-filter")).With(new EventingFeatures { AuthenticationOidc = true });
        var status = new BrokerReconciler().Reconcile(Broker(), view).Status!;
        Assert.Equal("OIDCNotSupported", ConditionSet.Find(status.Conditions, "Ready")!.Reason);
    }

    [Fact]
    public void DeadLetterSink_IsResolvedOrSaysWhyNot()
    {
        var sink = new Destination { Ref = new KReference { ApiVersion = "v1", Kind = "Service", Name = "dead" }, Uri = "/letters" };
        var broker = Broker() with { Spec = new BrokerSpec { Delivery = new DeliverySpec { DeadLetterSink = sink } } };
        var missing = new BrokerReconciler().Reconcile(broker, View()).Status!;
        AssertCondition(
            missing.Conditions, "DeadLetterSinkResolved", "False", "Unable to get the DeadLetterSink's URI",
            "failed to get object shop/dead: services \"dead\" not found");
        var found = new BrokerReconciler().Reconcile(broker, View(new V1Service { Metadata = Meta("dead") })).Status!;
        Assert.Equal("http://dead.shop.svc.cluster.local/letters", found.DeadLetterSinkUri);
    }

    [Fact]
    public void TriggerWithoutBroker_SaysSo() => AssertCondition(
        new TriggerReconciler().Reconcile(Trigger(), View()).Status!.Conditions, "Ready", "False", "BrokerDoesNotExist",
        "Broker \"default\" does not exist");

    [Fact]
    public void Trigger_ResolvesItsServiceAndIsStable()
    {
        var view = View(ReadyBroker(), KnService("hello", "http://hello.shop.svc.cluster.local"));
        var status = new TriggerReconciler().Reconcile(Trigger(), view).Status!;
        AssertCondition(status.Conditions, "Ready", "True", null, null);
        Assert.Equal("http://hello.shop.svc.cluster.local", status.SubscriberUri);
        view.Now = view.Now.AddHours(1);
        var again = new TriggerReconciler().Reconcile(Trigger() with { Status = status }, view);
        Assert.Empty(again.Steps);
        Assert.Equal(KubeJson.Serialize(status), KubeJson.Serialize(again.Status!));
    }

    [Fact]
    public void TriggersSubscriberWithoutAddress_SaysSo() => AssertCondition(
        new TriggerReconciler().Reconcile(Trigger(), View(ReadyBroker(), KnService("hello", null))).Status!.Conditions,
        "SubscriberResolved", "False", "Unable to get the Subscriber's URI",
        "address not set for Kind = Service, Namespace = shop, Name = hello, APIVersion = serving.knative.dev/v1, Group = , Address = ");

    [Fact]
    public void TriggersSubscriberOfUnknownKind_NamesTheWayOut()
    {
        var trigger = Trigger();
        trigger = trigger with
        {
            Spec = trigger.Spec with
            {
                Subscriber = new Destination { Ref = new KReference { ApiVersion = "example.com/v1", Kind = "Queue", Name = "q" } },
            },
        };
        var status = new TriggerReconciler().Reconcile(trigger, View(ReadyBroker())).Status!;
        var condition = ConditionSet.Find(status.Conditions, "SubscriberResolved")!;
        Assert.StartsWith("example.com/v1 Queue shop/q cannot be followed here: name one of Service, ", condition.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TriggersDependency_IsFollowed()
    {
        var trigger = Trigger();
        trigger.Metadata.Annotations = new Dictionary<string, string>
        {
            ["knative.dev/dependency"] = """{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"source"}""",
        };
        var subscriber = KnService("hello", "http://hello.shop.svc.cluster.local");
        AssertCondition(
            new TriggerReconciler().Reconcile(trigger, View(ReadyBroker(), subscriber)).Status!.Conditions, "Ready", "False",
            "DependencyDoesNotExist", "Dependency does not exist: services.serving.knative.dev \"source\" not found");
        var source = KnService("source", null) with
        {
            Status = new ServiceStatus
            {
                Conditions = [new KnCondition { Type = "Ready", Status = "False", Reason = "Broken", Message = "no image" }],
            },
        };
        AssertCondition(
            new TriggerReconciler().Reconcile(trigger, View(ReadyBroker(), subscriber, source)).Status!.Conditions, "Ready", "False",
            "Broken", "no image");
    }

    private static FakeView View(params IKubernetesObject<V1ObjectMeta>[] objects) =>
        new FakeView(objects).With(new EventingFeatures());

    private static V1ObjectMeta Meta(string name, string ns = Ns) =>
        new() { Name = name, NamespaceProperty = ns, Uid = name, Generation = 1 };

    private static KnBroker Broker(string brokerClass = "Knet")
    {
        var broker = new KnBroker { Metadata = Meta("default") };
        broker.Metadata.Annotations = new Dictionary<string, string> { ["eventing.knative.dev/broker.class"] = brokerClass };
        return broker;
    }

    private static KnBroker ReadyBroker() => Broker() with
    {
        Status = new BrokerReconciler().Reconcile(Broker(), View(Endpoints("broker-ingress"), Endpoints("broker-filter"))).Status!,
    };

    private static V1Endpoints Endpoints(string name) => new()
    {
        Metadata = Meta(name, "knative-eventing"),
        Subsets = [new V1EndpointSubset { Addresses = [new V1EndpointAddress { Ip = "10.0.0.1" }] }],
    };

    private static KnService KnService(string name, string? url) => new()
    {
        Metadata = Meta(name), Status = new ServiceStatus { Address = url is null ? null : new Addressable { Url = url } },
    };

    private static KnTrigger Trigger() => new()
    {
        Metadata = Meta("t"),
        Spec = new TriggerSpec
        {
            Broker = "default",
            Subscriber = new Destination { Ref = new KReference { ApiVersion = "serving.knative.dev/v1", Kind = "Service", Name = "hello" } },
        },
    };

    private static void AssertCondition(List<KnCondition>? conditions, string type, string status, string? reason, string? message)
    {
        var found = ConditionSet.Find(conditions, type);
        Assert.Equal((status, reason, message), (found?.Status, found?.Reason, found?.Message));
    }
}
