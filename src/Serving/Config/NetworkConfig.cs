using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-network</c>: names, classes and schemes of what Routes publish.</summary>
public sealed record NetworkConfig
{
    /// <summary>
    /// Our own key: the port of the host on which the gateway answers. When it is not 80 it stands in the URLs of statuses; hosts of
    /// Ingresses never carry it.
    /// </summary>
    public const string ExternalPortKey = "knet.dev/external-port";

    /// <summary>As <see cref="ExternalPortKey"/>, for https; left out of URLs when it is 443.</summary>
    public const string ExternalTlsPortKey = "knet.dev/external-tls-port";

    private const string DefaultDomainTemplateText = "{{.Name}}.{{.Namespace}}.{{.Domain}}";

    public static ConfigKind<NetworkConfig> Kind { get; } = new("config-network", Parse);

    /// <summary>The template of names inside the cluster, whatever the operator chose for outside.</summary>
    public static GoTemplate DefaultDomainTemplate { get; } = GoTemplate.Parse(DefaultDomainTemplateText);

    public string IngressClass { get; init; } = NetworkingKeys.KnetIngressClass;
    public string CertificateClass { get; init; } = "cert-manager.certificate.networking.knative.dev";
    public GoTemplate DomainTemplate { get; init; } = DefaultDomainTemplate;
    public GoTemplate TagTemplate { get; init; } = GoTemplate.Parse("{{.Tag}}-{{.Name}}");
    public bool ExternalDomainTls { get; init; }
    public bool ClusterLocalDomainTls { get; init; }
    public bool SystemInternalTls { get; init; }

    /// <summary><c>enabled</c>, <c>redirected</c> or <c>disabled</c>.</summary>
    public string HttpProtocol { get; init; } = "enabled";

    public long RolloutDurationSeconds { get; init; }
    public bool AutocreateClusterDomainClaims { get; init; }
    public bool EnableMeshPodAddressability { get; init; }

    /// <summary><c>auto</c>, <c>enabled</c> or <c>disabled</c>.</summary>
    public string MeshCompatibilityMode { get; init; } = "auto";

    /// <summary><c>http</c> or <c>https</c>.</summary>
    public string DefaultExternalScheme { get; init; } = "http";

    /// <inheritdoc cref="ExternalPortKey"/>
    public int ExternalPort { get; init; } = 80;

    /// <inheritdoc cref="ExternalTlsPortKey"/>
    public int ExternalTlsPort { get; init; } = 443;

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static NetworkConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        return new NetworkConfig
        {
            IngressClass = read.Text("ingress-class", NetworkingKeys.KnetIngressClass, "ingress.class"),
            CertificateClass = read.Text("certificate-class", "cert-manager.certificate.networking.knative.dev", "certificate.class"),
            DomainTemplate = Checked(
                "domain-template", read.Template("domain-template", DefaultDomainTemplateText), "Name", "Namespace", "Domain"),
            TagTemplate = Checked("tag-template", read.Template("tag-template", "{{.Tag}}-{{.Name}}"), "Name", "Tag"),
            ExternalDomainTls = read.Choice("external-domain-tls", "disabled", "auto-tls", "enabled", "disabled") == "enabled",
            ClusterLocalDomainTls = read.Choice("cluster-local-domain-tls", "disabled", null, "enabled", "disabled") == "enabled",
            SystemInternalTls =
                read.Choice("system-internal-tls", "disabled", null, "enabled", "disabled") == "enabled" ||
                    read.Flag("internal-encryption", false),
            HttpProtocol = read.Choice("http-protocol", "enabled", "httpProtocol", "enabled", "redirected", "disabled"),
            RolloutDurationSeconds = read.Whole("rollout-duration", 0, 0),
            AutocreateClusterDomainClaims = read.Flag("autocreate-cluster-domain-claims", false),
            EnableMeshPodAddressability = read.Flag("enable-mesh-pod-addressability", false),
            MeshCompatibilityMode = read.Choice("mesh-compatibility-mode", "auto", null, "auto", "enabled", "disabled"),
            DefaultExternalScheme = read.Choice("default-external-scheme", "http", null, "http", "https"),
            ExternalPort = Port(read, ExternalPortKey, 80),
            ExternalTlsPort = Port(read, ExternalTlsPortKey, 443),
        };
    }

    /// <summary>Where clients outside find a host: with the gateway's port when it is not the scheme's own.</summary>
    public string ExternalUrl(string host, bool hasCertificate)
    {
        var (scheme, own, port) = hasCertificate ? ("https", 443, ExternalTlsPort) : (DefaultExternalScheme, 80, ExternalPort);
        return port == own ? $"{scheme}://{host}" : $"{scheme}://{host}:{port}";
    }

    private static int Port(ConfigReader read, string key, int fallback)
    {
        var port = read.Whole(key, fallback, 1);
        return port <= 65535 ? (int)port : throw ConfigReader.Bad(key, $"{port}", "a port from 1 to 65535");
    }

    // Tried with an example, so that a bad template is refused here and not at every Route.
    private static GoTemplate Checked(string key, GoTemplate template, params string[] fields)
    {
        var values = new Dictionary<string, object?> { ["Labels"] = NoLabels, ["Annotations"] = NoLabels };
        foreach (var field in fields)
        {
            values[field] = field.ToLowerInvariant();
        }

        try
        {
            template.Render(values);
            return template;
        }
        catch (FormatException e)
        {
            throw new FormatException($"{key}: {e.Message}", e);
        }
    }

    private static readonly Dictionary<string, string> NoLabels = [];
}
