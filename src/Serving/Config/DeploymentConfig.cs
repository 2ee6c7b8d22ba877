using Knet.Api.Meta;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-deployment</c>: how Revisions become Deployments.</summary>
public sealed record DeploymentConfig
{
    /// <summary>The queue-proxy of our node is virtual: this name is shown in pods, and nothing is pulled.</summary>
    public const string VirtualQueueProxyImage = "knet.dev/queue-proxy";

    public static ConfigKind<DeploymentConfig> Kind { get; } = new("config-deployment", Parse);

    public string QueueSidecarImage { get; init; } = VirtualQueueProxyImage;
    public IReadOnlyList<string> RegistriesSkippingTagResolving { get; init; } = ["kind.local", "ko.local", "dev.local"];
    public TimeSpan DigestResolutionTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan ProgressDeadline { get; init; } = TimeSpan.FromSeconds(600);

    // Quantities as written, null for none.
    public string? QueueSidecarCpuRequest { get; init; } = "25m";
    public string? QueueSidecarCpuLimit { get; init; }
    public string? QueueSidecarMemoryRequest { get; init; }
    public string? QueueSidecarMemoryLimit { get; init; }
    public string? QueueSidecarEphemeralStorageRequest { get; init; }
    public string? QueueSidecarEphemeralStorageLimit { get; init; }

    public string QueueSidecarRootCa { get; init; } = "";
    public string QueueSidecarTlsMinVersion { get; init; } = "";
    public string QueueSidecarTlsMaxVersion { get; init; } = "";
    public string QueueSidecarTlsCipherSuites { get; init; } = "";
    public string QueueSidecarTlsCurvePreferences { get; init; } = "";

    /// <summary><c>prefer-spread-revision-over-nodes</c> (true) or <c>none</c>.</summary>
    public bool PreferSpreadOverNodes { get; init; } = true;

    public bool PodIsAlwaysSchedulable { get; init; }

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static DeploymentConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        var config = new DeploymentConfig
        {
            QueueSidecarImage = read.Text("queue-sidecar-image", VirtualQueueProxyImage, "queueSidecarImage"),
            RegistriesSkippingTagResolving =
            [
                .. read.Text("registries-skipping-tag-resolving", "kind.local,ko.local,dev.local", "registriesSkippingTagResolving")
                    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            ],
            DigestResolutionTimeout = read.Duration("digest-resolution-timeout", TimeSpan.FromSeconds(10), "digestResolutionTimeout"),
            ProgressDeadline = read.Duration("progress-deadline", TimeSpan.FromSeconds(600), "progressDeadline"),
            QueueSidecarCpuRequest = read.Amount("queue-sidecar-cpu-request", "queueSidecarCPURequest") ?? "25m",
            QueueSidecarCpuLimit = read.Amount("queue-sidecar-cpu-limit", "queueSidecarCPULimit"),
            QueueSidecarMemoryRequest = read.Amount("queue-sidecar-memory-request", "queueSidecarMemoryRequest"),
            QueueSidecarMemoryLimit = read.Amount("queue-sidecar-memory-limit", "queueSidecarMemoryLimit"),
            QueueSidecarEphemeralStorageRequest = read.Amount(
                "queue-sidecar-ephemeral-storage-request", "queueSidecarEphemeralStorageRequest"),
            QueueSidecarEphemeralStorageLimit = read.Amount("queue-sidecar-ephemeral-storage-limit", "queueSidecarEphemeralStorageLimit"),
            QueueSidecarRootCa = read.Text("queue-sidecar-rootca", ""),
            QueueSidecarTlsMinVersion = read.Text("queue-sidecar-tls-min-version", ""),
            QueueSidecarTlsMaxVersion = read.Text("queue-sidecar-tls-max-version", ""),
            QueueSidecarTlsCipherSuites = read.Text("queue-sidecar-tls-cipher-suites", ""),
            QueueSidecarTlsCurvePreferences = read.Text("queue-sidecar-tls-curve-preferences", ""),
            PreferSpreadOverNodes = read.Choice(
                "default-affinity-type", "prefer-spread-revision-over-nodes", null, "prefer-spread-revision-over-nodes", "none") != "none",
            PodIsAlwaysSchedulable = read.Flag("pod-is-always-schedulable", false),
        };
        if (config.ProgressDeadline <= TimeSpan.Zero)
        {
            throw new FormatException(
                $"progress-deadline cannot be a non-positive duration, was {GoDuration.Format(config.ProgressDeadline)}");
        }

        return config.ProgressDeadline.Ticks % TimeSpan.TicksPerSecond == 0
            ? config
            : throw new FormatException(
                $"progress-deadline must be rounded to a whole second, was: {GoDuration.Format(config.ProgressDeadline)}");
    }
}
