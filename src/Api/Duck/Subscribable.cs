namespace Knet.Api.Duck;

/// <summary>A subscriber of a channel, as the Subscription that stands behind it resolved it.</summary>
public sealed record SubscriberSpec
{
    public string? Name { get; init; }

    /// <summary>The uid of the Subscription; entries are told apart by it.</summary>
    public string? Uid { get; init; }

    /// <summary>The generation of the Subscription.</summary>
    public long? Generation { get; init; }

    public string? SubscriberUri { get; init; }
    public string? SubscriberCACerts { get; init; }
    public string? SubscriberAudience { get; init; }
    public string? ReplyUri { get; init; }
    public string? ReplyCACerts { get; init; }
    public string? ReplyAudience { get; init; }
    public DeliverySpec? Delivery { get; init; }
    public AuthStatus? Auth { get; init; }
}

/// <summary>Whether a channel delivers to a subscriber.</summary>
public sealed record SubscriberStatus
{
    public string? Uid { get; init; }
    public long? ObservedGeneration { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string? Ready { get; init; }

    public string? Message { get; init; }
    public AuthStatus? Auth { get; init; }
}
