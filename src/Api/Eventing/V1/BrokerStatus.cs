using Knet.Api.Duck;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

public sealed partial record BrokerStatus
{
    public const string IngressReady = "IngressReady";
    public const string TriggerChannelReady = "TriggerChannelReady";
    public const string FilterReady = "FilterReady";
    public const string IsAddressable = "Addressable";

    internal static readonly ConditionSet Set = new(
        IngressReady, TriggerChannelReady, FilterReady, IsAddressable, DuckConditions.DeadLetterSinkResolved,
        DuckConditions.EventPoliciesReady);

    public BrokerStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public BrokerStatus End(BrokerStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    /// <summary>Whether a part of the data plane, by its condition, has an endpoint.</summary>
    public BrokerStatus Available(string condition, string endpoints, bool isAvailable) => this with
    {
        Conditions = isAvailable
            ? Set.MarkTrue(Conditions, condition)
            : Set.MarkFalse(Conditions, condition, "EndpointsUnavailable", $"Endpoints \"{endpoints}\" are unavailable."),
    };

    /// <summary>Events wait in the Broker's own log: there is no channel to wait for.</summary>
    public BrokerStatus WithoutChannel() => this with { Conditions = Set.MarkTrue(Conditions, TriggerChannelReady) };

    public BrokerStatus Answering(string url) => this with
    {
        Address = new Addressable { Name = "http", Url = url },
        Addresses = [new Addressable { Name = "http", Url = url }],
        Conditions = Set.MarkTrue(Conditions, IsAddressable),
    };

    public BrokerStatus WithDeadLetters(Addressable? sink) => this with
    {
        DeadLetterSinkUri = sink?.Url,
        DeadLetterSinkCACerts = sink?.CaCerts,
        DeadLetterSinkAudience = sink?.Audience,
        Conditions = DuckConditions.DeadLetters(Set, Conditions, sink is not null),
    };

    public BrokerStatus DeadLettersUnresolved(string why) => this with
    {
        DeadLetterSinkUri = null,
        DeadLetterSinkCACerts = null,
        DeadLetterSinkAudience = null,
        Conditions = Set.MarkFalse(
            Conditions, DuckConditions.DeadLetterSinkResolved, "Unable to get the DeadLetterSink's URI", why),
    };

    /// <inheritdoc cref="DuckConditions.PoliciesOff"/>
    public BrokerStatus PoliciesOff() => this with { Conditions = DuckConditions.PoliciesOff(Set, Conditions) };

    /// <inheritdoc cref="DuckConditions.PoliciesUnsupported"/>
    public BrokerStatus PoliciesUnsupported() => this with { Conditions = DuckConditions.PoliciesUnsupported(Set, Conditions) };
}
