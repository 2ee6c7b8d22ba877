namespace Knet.Api.Eventing;

/// <summary>Groups, labels and annotations of Eventing, by upstream's names.</summary>
public static class EventingKeys
{
    public const string Group = "eventing.knative.dev";
    public const string MessagingGroup = "messaging.knative.dev";
    public const string FlowsGroup = "flows.knative.dev";
    public const string SourcesGroup = "sources.knative.dev";
    public const string SinksGroup = "sinks.knative.dev";
    public const string SystemNamespace = "knative-eventing";

    /// <summary>The service account of the controllers; only it may write the subscribers of channels.</summary>
    public const string ControllerAccount = "eventing-controller";

    public const string BrokerClass = "eventing.knative.dev/broker.class";

    /// <summary>The class of Brokers on channels.</summary>
    public const string ChannelBrokerClass = "MTChannelBasedBroker";

    /// <summary>The class of Brokers on the durable log.</summary>
    public const string KnetBrokerClass = "Knet";

    /// <summary>Label: the Broker of a Trigger, Subscription or channel.</summary>
    public const string Broker = "eventing.knative.dev/broker";

    public const string Trigger = "eventing.knative.dev/trigger";
    public const string Injection = "eventing.knative.dev/injection";
    public const string Injected = "eventing.knative.dev/injected";

    /// <summary>Annotation of a Trigger: a JSON ObjectReference to an object that has to be ready first.</summary>
    public const string Dependency = "knative.dev/dependency";

    /// <summary>Annotation: <c>cluster</c> or <c>namespace</c>.</summary>
    public const string Scope = "eventing.knative.dev/scope";

    public const string SubscribableVersion = "messaging.knative.dev/subscribable";
    public const string AsyncHandler = "messaging.knative.dev/async-handler";
}
