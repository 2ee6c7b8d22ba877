using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record TriggerStatus
{
    public const string BrokerReady = "BrokerReady";
    public const string SubscriptionReady = "SubscriptionReady";
    public const string DependencyReady = "DependencyReady";
    public const string SubscriberResolved = "SubscriberResolved";

    internal static readonly ConditionSet Set = new(
        BrokerReady, SubscriptionReady, DependencyReady, SubscriberResolved, DuckConditions.DeadLetterSinkResolved,
        DuckConditions.OidcIdentityCreated);

    public TriggerStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public TriggerStatus End(TriggerStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    public TriggerStatus WithoutBroker(string name) => Failed(BrokerReady, "BrokerDoesNotExist", $"Broker \"{name}\" does not exist");

    public TriggerStatus Propagate(BrokerStatus broker) => this with
    {
        Conditions = ConditionSet.Find(broker.Conditions, ConditionSet.Ready) is { } ready
            ? Set.Copy(Conditions, BrokerReady, ready)
            : Set.MarkUnknown(Conditions, BrokerReady, "BrokerNotConfigured", "Broker has not yet been reconciled."),
    };

    /// <summary>The Broker's own log delivers to the Trigger: there is no Subscription to wait for.</summary>
    public TriggerStatus Subscribed() => this with { Conditions = Set.MarkTrue(Conditions, SubscriptionReady) };

    public TriggerStatus WithoutDependency() => this with { Conditions = Set.MarkTrue(Conditions, DependencyReady) };

    public TriggerStatus DependencyMissing(string what) =>
        Failed(DependencyReady, "DependencyDoesNotExist", $"Dependency does not exist: {what}");

    public TriggerStatus DependencyUnreadable(string why) => Failed(DependencyReady, "ReferenceError", why);

    /// <param name="isCurrent">Whether the dependency's status is about its newest generation.</param>
    public TriggerStatus Depending(KnCondition? ready, bool isCurrent) => this with
    {
        Conditions = !isCurrent
            ? Set.MarkUnknown(
                Conditions, DependencyReady, "GenerationNotEqual", "The dependency's metadata.generation is not its observedGeneration")
            : ready is null
                ? Set.MarkUnknown(Conditions, DependencyReady, "DependencyNotConfigured", "Dependency has not yet been reconciled.")
                : Set.Copy(Conditions, DependencyReady, ready),
    };

    public TriggerStatus Resolved(Addressable subscriber) => this with
    {
        SubscriberUri = subscriber.Url,
        SubscriberCACerts = subscriber.CaCerts,
        SubscriberAudience = subscriber.Audience,
        Conditions = Set.MarkTrue(Conditions, SubscriberResolved),
    };

    public TriggerStatus Unresolved(string why) => this with
    {
        SubscriberUri = null,
        SubscriberCACerts = null,
        SubscriberAudience = null,
        Conditions = Set.MarkFalse(Conditions, SubscriberResolved, "Unable to get the Subscriber's URI", why),
    };

    public TriggerStatus WithDeadLetters(Addressable? sink) => this with
    {
        DeadLetterSinkUri = sink?.Url,
        DeadLetterSinkCACerts = sink?.CaCerts,
        DeadLetterSinkAudience = sink?.Audience,
        Conditions = DuckConditions.DeadLetters(Set, Conditions, sink is not null),
    };

    public TriggerStatus DeadLettersUnresolved(string why) => this with
    {
        DeadLetterSinkUri = null,
        DeadLetterSinkCACerts = null,
        DeadLetterSinkAudience = null,
        Conditions = Set.MarkFalse(
            Conditions, DuckConditions.DeadLetterSinkResolved, "Unable to get the DeadLetterSink's URI", why),
    };

    public TriggerStatus WithoutIdentity() => this with { Conditions = DuckConditions.IdentityOff(Set, Conditions) };

    private TriggerStatus Failed(string condition, string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, condition, reason, message) };
}
