using Knet.DataPlane.RequestLogs;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-observability</c>, as far as Revisions carry it.</summary>
public sealed record ObservabilityConfig
{
    private const string EnableRequestLogKey = "logging.enable-request-log";
    private const string RequestLogTemplateKey = "logging.request-log-template";

    private const string DefaultRequestLogTemplate =
        @"{""httpRequest"": {""requestMethod"": ""{{.Request.Method}}"", ""requestUrl"": ""{{js .Request.RequestURI}}"", " +
        @"""requestSize"": ""{{.Request.ContentLength}}"", ""status"": {{.Response.Code}}, ""responseSize"": ""{{.Response.Size}}"", " +
        @"""userAgent"": ""{{js .Request.UserAgent}}"", ""remoteIp"": ""{{js .Request.RemoteAddr}}"", ""serverIp"": ""{{.Revision.PodIP}}"", " +
        @"""referer"": ""{{js .Request.Referer}}"", ""latency"": ""{{.Response.Latency}}s"", ""protocol"": ""{{.Request.Proto}}""}, " +
        @"""traceId"": ""{{.TraceID}}""}";

    public static ConfigKind<ObservabilityConfig> Kind { get; } = new("config-observability", Parse);

    /// <summary>Where a Revision's logs are; <c>${REVISION_UID}</c> is replaced. Empty for nowhere.</summary>
    public string RevisionUrlTemplate { get; init; } = "";

    public bool EnableVarLogCollection { get; init; }
    public bool EnableRequestLog { get; init; }
    public bool EnableProbeRequestLog { get; init; }

    /// <summary>A template of <see cref="LogTemplate"/>'s; empty only when nothing is logged.</summary>
    public string RequestLogTemplate { get; init; } = DefaultRequestLogTemplate;

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static ObservabilityConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        var isEnabled = read.Flag(EnableRequestLogKey, false);
        var template = read.Find(RequestLogTemplateKey) ?? DefaultRequestLogTemplate;
        Check(template, isEnabled);
        return new ObservabilityConfig
        {
            RevisionUrlTemplate = read.Text("logging.revision-url-template", ""),
            EnableVarLogCollection = read.Flag("logging.enable-var-log-collection", false),
            EnableRequestLog = isEnabled,
            EnableProbeRequestLog = read.Flag("logging.enable-probe-request-log", false),
            RequestLogTemplate = template,
        };
    }

    // Tried with an example, so that a field that does not exist is refused here and not written into every line.
    private static void Check(string template, bool isEnabled)
    {
        if (template.Length == 0)
        {
            if (isEnabled)
            {
                throw new FormatException($"\"{EnableRequestLogKey}\" was set to true, but no \"{RequestLogTemplateKey}\" was specified");
            }

            return;
        }

        try
        {
            LogTemplate.Parse(template).Render(RequestLogEntry.Example);
        }
        catch (FormatException e)
        {
            throw new FormatException($"{RequestLogTemplateKey}: {e.Message}", e);
        }
    }
}
