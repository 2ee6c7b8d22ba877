using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-observability</c>, as far as Revisions carry it.</summary>
public sealed record ObservabilityConfig
{
    public static ConfigKind<ObservabilityConfig> Kind { get; } = new("config-observability", Parse);

    /// <summary>Where a Revision's logs are; <c>${REVISION_UID}</c> is replaced. Empty for nowhere.</summary>
    public string RevisionUrlTemplate { get; init; } = "";

    public bool EnableVarLogCollection { get; init; }
    public bool EnableRequestLog { get; init; }
    public bool EnableProbeRequestLog { get; init; }

    /// <summary>A Go template; empty for upstream's httpRequest JSON.</summary>
    public string RequestLogTemplate { get; init; } = "";

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static ObservabilityConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        return new ObservabilityConfig
        {
            RevisionUrlTemplate = read.Text("logging.revision-url-template", ""),
            EnableVarLogCollection = read.Flag("logging.enable-var-log-collection", false),
            EnableRequestLog = read.Flag("logging.enable-request-log", false),
            EnableProbeRequestLog = read.Flag("logging.enable-probe-request-log", false),
            RequestLogTemplate = read.Text("logging.request-log-template", ""),
        };
    }
}
