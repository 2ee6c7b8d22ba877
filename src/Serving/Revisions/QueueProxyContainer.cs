using System.Globalization;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>All configuration that a Revision's Deployment depends on.</summary>
internal sealed record RevisionConfig(
    DeploymentConfig Deployment, FeaturesConfig Features, ObservabilityConfig Observability, NetworkConfig Network,
    AutoscalingLimits Autoscaling);

/// <summary>
/// The sidecar of a Revision's pods (serving.md 8.3). Knet's node carries it out itself from the environment written here; on a cluster it
/// is a
/// container like any other.
/// </summary>
internal static class QueueProxyContainer
{
    public const string Name = "queue-proxy";
    public const int HttpPort = 8012;
    public const int Http2Port = 8013;
    public const int HttpsPort = 8112;
    public const int AdminPort = 8022;

    public static V1Container For(KnRevision revision, RevisionConfig config)
    {
        var isH2c = RevisionMeta.Protocol(revision.Spec) == "h2c";
        var port = isH2c ? Http2Port : HttpPort;
        return new V1Container
        {
            Name = Name,
            Image = config.Deployment.QueueSidecarImage,
            Resources = QueueProxyResources.For(revision, config),
            Ports =
            [
                Port("http-autometric", 9090), Port("http-usermetric", 9091), Port("queue-port", port), Port("https-port", HttpsPort),
            ],
            ReadinessProbe = KubeletProbe(RevisionMeta.ServingContainer(revision.Spec).ReadinessProbe, port),
            SecurityContext = new V1SecurityContext
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = true,
                RunAsNonRoot = true,
                Capabilities = new V1Capabilities { Drop = ["ALL"] },
                SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
            },
            Env = Environment(revision, config, port),
        };
    }

    private static V1ContainerPort Port(string name, int port) => new() { Name = name, ContainerPort = port, Protocol = "TCP" };

    private static V1Probe KubeletProbe(V1Probe? user, int port) => new()
    {
        HttpGet = new V1HTTPGetAction { Port = port, HttpHeaders = [new V1HTTPHeader { Name = KnHeaders.NetworkProbe, Value = "queue" }] },
        InitialDelaySeconds = Positive(user?.InitialDelaySeconds),
        PeriodSeconds = Positive(user?.PeriodSeconds),
        TimeoutSeconds = Positive(user?.TimeoutSeconds),
        SuccessThreshold = Positive(user?.SuccessThreshold),
        FailureThreshold = Positive(user?.FailureThreshold),
    };

    private static int? Positive(int? value) => value > 0 ? value : null;

    private static List<V1EnvVar> Environment(KnRevision revision, RevisionConfig config, int port)
    {
        var (metadata, spec) = (revision.Metadata, revision.Spec);
        var annotations = metadata.Annotations;
        return
        [
            Value("SERVING_NAMESPACE", metadata.NamespaceProperty),
            Value("SERVING_SERVICE", metadata.Labels.Find(ServingKeys.Service)),
            Value("SERVING_CONFIGURATION", metadata.Labels.Find(ServingKeys.Configuration)),
            Value("SERVING_REVISION", metadata.Name),
            Value("QUEUE_SERVING_PORT", Text(port)),
            Value("QUEUE_SERVING_TLS_PORT", Text(HttpsPort)),
            Value("CONTAINER_CONCURRENCY", Text(spec.ContainerConcurrency ?? 0)),
            Value("REVISION_TIMEOUT_SECONDS", Text(spec.TimeoutSeconds ?? 0)),
            Value("REVISION_RESPONSE_START_TIMEOUT_SECONDS", Text(spec.ResponseStartTimeoutSeconds ?? 0)),
            Value("REVISION_IDLE_TIMEOUT_SECONDS", Text(spec.IdleTimeoutSeconds ?? 0)),
            Field("SERVING_POD", "metadata.name"),
            Field("SERVING_POD_IP", "status.podIP"),
            Value("SERVING_LOGGING_CONFIG", ""),
            Value("SERVING_LOGGING_LEVEL", ""),
            Value("USER_PORT", Text(RevisionMeta.UserPort(spec))),
            Value("SYSTEM_NAMESPACE", DefaultConfigMaps.SystemNamespace),
            Value("SERVING_READINESS_PROBE", ReadinessProbes(spec, config.Features)),
            Field("HOST_IP", "status.hostIP"),
            Value("ENABLE_HTTP2_AUTO_DETECTION", Flag(config.Features.AutoDetectHttp2 == FeatureFlag.Enabled)),
            Value(
                "ENABLE_HTTP_FULL_DUPLEX",
                Flag(string.Equals(annotations.Find(ServingKeys.HttpFullDuplex), "Enabled", StringComparison.OrdinalIgnoreCase))),
            Value("ROOT_CA", config.Deployment.QueueSidecarRootCa),
            Value("QUEUE_PROXY_TLS_MIN_VERSION", config.Deployment.QueueSidecarTlsMinVersion),
            Value("QUEUE_PROXY_TLS_MAX_VERSION", config.Deployment.QueueSidecarTlsMaxVersion),
            Value("QUEUE_PROXY_TLS_CIPHER_SUITES", config.Deployment.QueueSidecarTlsCipherSuites),
            Value("QUEUE_PROXY_TLS_CURVE_PREFERENCES", config.Deployment.QueueSidecarTlsCurvePreferences),
            Value("ENABLE_MULTI_CONTAINER_PROBES", Flag(config.Features.MultiContainerProbing == FeatureFlag.Enabled)),
            Value("OBSERVABILITY_CONFIG", Observability(config.Observability)),
        ];
    }

    private static V1EnvVar Value(string name, string? value) => new() { Name = name, Value = value ?? "" };

    private static V1EnvVar Field(string name, string path) =>
        new()
        {
            Name = name,
            ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { ApiVersion = "v1", FieldPath = path } },
        };

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Flag(bool value) => value ? "true" : "false";

    private static string Observability(ObservabilityConfig config)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteBoolean("enableRequestLog", config.EnableRequestLog);
            json.WriteBoolean("enableProbeRequestLog", config.EnableProbeRequestLog);
            json.WriteString("requestLogTemplate", config.RequestLogTemplate);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string ReadinessProbes(RevisionSpec spec, FeaturesConfig features)
    {
        var serving = RevisionMeta.ServingContainer(spec);
        var port = RevisionMeta.UserPort(spec);
        if (features.MultiContainerProbing != FeatureFlag.Enabled || spec.Containers.Count == 1)
        {
            return Encode(Dialled(serving.ReadinessProbe ?? new V1Probe { TcpSocket = new V1TCPSocketAction() }, port));
        }

        var probes = spec.Containers.Where(c => c.ReadinessProbe is not null)
            .Select(c => Dialled(c.ReadinessProbe, ReferenceEquals(c, serving) ? port : 0));
        return $"[{string.Join(',', probes.Select(Encode))}]";
    }

    private static string Encode(V1Probe probe) => System.Text.Encoding.UTF8.GetString(KubeJson.Serialize(probe));

    /// <summary>The probe as the sidecar runs it: from inside the pod, on a port that is known by number.</summary>
    private static V1Probe Dialled(V1Probe probe, int userPort)
    {
        var needsTimeout = probe.PeriodSeconds > 0 && probe.TimeoutSeconds is null or 0;
        var result = needsTimeout ? probe with { TimeoutSeconds = 1 } : probe;
        if (probe.HttpGet is { } get)
        {
            return result with
            {
                HttpGet = get with { Host = "127.0.0.1", Port = Number(get.Port, userPort), Scheme = "HTTP" },
            };
        }

        if (probe.Grpc is { } grpc)
        {
            return result with { Grpc = grpc with { Port = grpc.Port == 0 ? userPort : grpc.Port } };
        }

        // A command can only be run by the kubelet; here it is enough that the port answers.
        var port = probe.TcpSocket is { } socket ? Number(socket.Port, userPort) : userPort;
        return result with { Exec = null, TcpSocket = new V1TCPSocketAction { Host = "127.0.0.1", Port = port } };
    }

    private static int Number(IntOrString? port, int userPort) =>
        int.TryParse(port?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : userPort;
}
