using Knet.Api.Eventing;
using Knet.Api.Eventing.Config;
using Knet.Kube.Config;

namespace Knet.Eventing.Config;

/// <summary>Reads <c>config-features</c> of knative-eventing.</summary>
public static class EventingFeaturesMap
{
    private const string NodeSelector = "apiserversources-nodeselector-";

    public static ConfigKind<EventingFeatures> Kind { get; } = new("config-features", Parse, EventingKeys.SystemNamespace);

    /// <exception cref="FormatException">A value is none of its words; the message names key and words.</exception>
    public static EventingFeatures Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        bool On(string key, bool fallback = false) =>
            read.Choice(key, fallback ? "enabled" : "disabled", null, "enabled", "allowed", "disabled") == "enabled";
        var defaults = new EventingFeatures();
        return new EventingFeatures
        {
            KReferenceGroup = On("kreference-group"),
            KReferenceMapping = On("kreference-mapping"),
            DeliveryRetryAfter = On("delivery-retryafter"),
            DeliveryTimeout = On("delivery-timeout", fallback: true),
            CrossNamespaceEventLinks = On("cross-namespace-event-links"),
            EventTypeAutoCreate = On("eventtype-auto-create"),
            AuthenticationOidc = On("authentication-oidc"),
            ApiServerSourceFilters = On("new-apiserversource-filters"),
            TransportEncryption = read.Choice(
                "transport-encryption", defaults.TransportEncryption, null, "disabled", "permissive", "strict"),
            DefaultAuthorizationMode = read.Choice(
                "default-authorization-mode", defaults.DefaultAuthorizationMode, null, "allow-all", "deny-all", "allow-same-namespace"),
            OidcDiscoveryUrl = read.Text("oidc-discovery-base-url", defaults.OidcDiscoveryUrl),
            RequestReplyTimeout = read.Text("requestreply-default-timeout", defaults.RequestReplyTimeout),
            ApiServerSourceNodeSelector = data.Where(d => d.Key.StartsWith(NodeSelector, StringComparison.Ordinal))
                .ToDictionary(d => d.Key[NodeSelector.Length..], d => d.Value),
        };
    }
}
