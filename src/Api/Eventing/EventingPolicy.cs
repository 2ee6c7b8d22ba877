using Knet.Api.Eventing.Config;

namespace Knet.Api.Eventing;

/// <summary>What the defaults and the validation of Eventing's kinds depend on besides the object.</summary>
public sealed record EventingPolicy
{
    public EventingFeatures Features { get; init; } = new();
    public BrokerDefaults Brokers { get; init; } = new();
    public ChannelDefaults Channels { get; init; } = new();

    /// <summary>Who writes: user name and groups come from the request.</summary>
    public string? User { get; init; }

    /// <summary>What is wrong with a CESQL expression, or null. Missing: expressions are not parsed.</summary>
    public Func<string, string?>? FindCesqlProblem { get; init; }
}
