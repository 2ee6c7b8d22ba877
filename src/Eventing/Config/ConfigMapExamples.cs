namespace Knet.Eventing.Config;

/// <summary>The <c>_example</c> texts: every key with its default and what it does. Nothing in them takes effect.</summary>
internal static class ConfigMapExamples
{
    private const string Intro =
        """
        # This block is documentation and has no effect: copy a key out of it, to the level of _example, and change it there.
        # Values that are not set have the defaults shown here.

        """;

    public const string Features = Intro +
        """
        # A reference may name a group instead of an apiVersion.
        kreference-group: "disabled"
        # Addresses of kinds that have none, by the templates of config-kreference-mapping.
        kreference-mapping: "disabled"
        # Whether delivery.retryAfterMax and delivery.timeout may be set.
        delivery-retryafter: "disabled"
        delivery-timeout: "enabled"
        # disabled, permissive (https beside http) or strict (https only).
        transport-encryption: "disabled"
        authentication-oidc: "disabled"
        # Who may send where no EventPolicy says: allow-all, deny-all or allow-same-namespace.
        default-authorization-mode: "allow-same-namespace"
        eventtype-auto-create: "disabled"
        # Triggers and Subscriptions may name a Broker or channel of another namespace.
        cross-namespace-event-links: "disabled"
        new-apiserversource-filters: "disabled"
        oidc-discovery-base-url: "https://kubernetes.default.svc"
        requestreply-default-timeout: "PT30S"
        """;

    public const string KReferenceMapping = Intro +
        """
        # KIND.VERSION.GROUP (KIND.VERSION for core kinds): a Go template of a URL over .Name, .Namespace, .UID and .SystemNamespace.
        Pod.v1: "http://{{.Name}}.{{.Namespace}}.example.com"
        """;

    public const string LeaderElection = Intro +
        """
        lease-duration: "15s"
        renew-deadline: "10s"
        retry-period: "2s"
        buckets: "1"
        """;

    public const string Logging = Intro +
        """
        # Level of a component: debug, info, warn or error.
        loglevel.controller: "info"
        loglevel.webhook: "info"
        """;

    public const string Observability = Intro +
        """
        # none, prometheus, http/protobuf or grpc.
        metrics-protocol: "none"
        tracing-protocol: "none"
        tracing-sampling-rate: "0"
        sink-event-error-reporting.enable: "false"
        """;

    public const string Ping = Intro +
        """
        # The largest data of a PingSource in bytes; -1: no limit.
        data-max-size: "-1"
        """;

    public const string Sugar = Intro +
        """
        # Which namespaces and Triggers get the Broker that they lack: a label selector in YAML; empty: none, {}: all.
        namespace-selector: ""
        trigger-selector: ""
        """;
}
