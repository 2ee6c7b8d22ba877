namespace Knet.Api.Eventing.Config;

/// <summary>The flags of <c>config-features</c> in knative-eventing.</summary>
public sealed record EventingFeatures
{
    /// <summary><c>kreference-group</c>: a reference may name a group instead of an apiVersion.</summary>
    public bool KReferenceGroup { get; init; }

    /// <summary><c>kreference-mapping</c>: addresses of kinds that have none, by config-kreference-mapping.</summary>
    public bool KReferenceMapping { get; init; }

    /// <summary><c>delivery-retryafter</c>: <c>retryAfterMax</c> may be set.</summary>
    public bool DeliveryRetryAfter { get; init; }

    /// <summary><c>delivery-timeout</c>: <c>timeout</c> may be set. On by default.</summary>
    public bool DeliveryTimeout { get; init; } = true;

    /// <summary><c>cross-namespace-event-links</c>: Triggers and Subscriptions may name a Broker or channel of another namespace.</summary>
    public bool CrossNamespaceEventLinks { get; init; }

    /// <summary><c>eventtype-auto-create</c>.</summary>
    public bool EventTypeAutoCreate { get; init; }

    /// <summary><c>authentication-oidc</c>.</summary>
    public bool AuthenticationOidc { get; init; }

    /// <summary><c>new-apiserversource-filters</c>.</summary>
    public bool ApiServerSourceFilters { get; init; }

    /// <summary><c>transport-encryption</c>: disabled, permissive or strict.</summary>
    public string TransportEncryption { get; init; } = "disabled";

    /// <summary><c>default-authorization-mode</c>: allow-all, deny-all or allow-same-namespace.</summary>
    public string DefaultAuthorizationMode { get; init; } = "allow-same-namespace";

    /// <summary><c>oidc-discovery-base-url</c>.</summary>
    public string OidcDiscoveryUrl { get; init; } = "https://kubernetes.default.svc";

    /// <summary><c>requestreply-default-timeout</c>, ISO 8601.</summary>
    public string RequestReplyTimeout { get; init; } = "PT30S";

    /// <summary><c>apiserversources-nodeselector-LABEL</c>: the labels, with their values.</summary>
    public IReadOnlyDictionary<string, string> ApiServerSourceNodeSelector { get; init; } = new Dictionary<string, string>();
}
