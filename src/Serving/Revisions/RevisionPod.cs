using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>The pod of a Revision: the user's containers with what Knative adds to them, and the sidecar.</summary>
internal static class RevisionPod
{
    private const string VarLogVolume = "knative-var-log";

    public static V1PodSpec For(KnRevision revision, RevisionStatus status, RevisionConfig config)
    {
        var spec = revision.Spec;
        var serving = RevisionMeta.ServingContainer(spec);
        var containers = new List<V1Container>(spec.Containers.Count + 1);
        for (var i = 0; i < spec.Containers.Count; i++)
        {
            var container = spec.Containers[i];
            var made = UserContainer(
                revision, container, Digest(status.ContainerStatuses, container), ReferenceEquals(container, serving), config);
            containers.Add(made);
        }

        containers.Add(QueueProxyContainer.For(revision, config));
        return new V1PodSpec
        {
            Containers = containers,
            InitContainers = spec.InitContainers is null
                ? null
                : [.. spec.InitContainers.Select(c => c with { Image = Digest(status.InitContainerStatuses, c) })],
            Volumes = Volumes(spec, config),
            TerminationGracePeriodSeconds = spec.TimeoutSeconds,
            ServiceAccountName = spec.ServiceAccountName,
            ImagePullSecrets = spec.ImagePullSecrets,
            EnableServiceLinks = spec.EnableServiceLinks,
            AutomountServiceAccountToken = spec.AutomountServiceAccountToken,
            Affinity = spec.Affinity ?? Spread(revision, config),
            TopologySpreadConstraints = spec.TopologySpreadConstraints,
            HostAliases = spec.HostAliases,
            NodeSelector = spec.NodeSelector,
            RuntimeClassName = spec.RuntimeClassName,
            Tolerations = spec.Tolerations,
            SecurityContext = spec.SecurityContext,
            ShareProcessNamespace = spec.ShareProcessNamespace,
            PriorityClassName = spec.PriorityClassName,
            SchedulerName = spec.SchedulerName,
            DnsPolicy = spec.DnsPolicy,
            DnsConfig = spec.DnsConfig,
            HostIPC = spec.HostIpc,
            HostPID = spec.HostPid,
            HostNetwork = spec.HostNetwork,
        };
    }

    private static string Digest(List<ContainerStatus>? statuses, V1Container container)
    {
        foreach (var status in statuses ?? [])
        {
            if (status.Name == container.Name && !string.IsNullOrEmpty(status.ImageDigest))
            {
                return status.ImageDigest;
            }
        }

        return container.Image;
    }

    private static V1Container UserContainer(
        KnRevision revision, V1Container container, string image, bool isServing, RevisionConfig config)
    {
        var port = RevisionMeta.UserPort(revision.Spec);
        var labels = revision.Metadata.Labels;
        var environment = new List<V1EnvVar>(container.Env ?? []);
        if (isServing)
        {
            environment.Add(new V1EnvVar { Name = "PORT", Value = $"{port}" });
        }

        environment.Add(new V1EnvVar { Name = "K_REVISION", Value = revision.Metadata.Name });
        environment.Add(new V1EnvVar { Name = "K_CONFIGURATION", Value = labels.Find(ServingKeys.Configuration) ?? "" });
        environment.Add(new V1EnvVar { Name = "K_SERVICE", Value = labels.Find(ServingKeys.Service) ?? "" });
        if (config.Observability.EnableVarLogCollection)
        {
            environment.Add(Field("K_INTERNAL_POD_NAME", "metadata.name"));
            environment.Add(Field("K_INTERNAL_POD_NAMESPACE", "metadata.namespace"));
        }

        return container with
        {
            Image = image,
            Env = environment,
            Ports = isServing ? [new V1ContainerPort { Name = "user-port", ContainerPort = port, Protocol = "TCP" }] : null,
            Lifecycle = new V1Lifecycle
            {
                PreStop = new V1LifecycleHandler
                {
                    HttpGet = new V1HTTPGetAction { Port = QueueProxyContainer.AdminPort, Path = "/wait-for-drain" },
                },
            },
            // Probes over the network are the sidecar's: it knows when to try again at once.
            ReadinessProbe = container.ReadinessProbe?.Exec is null ? null : container.ReadinessProbe,
            LivenessProbe = isServing ? Liveness(container.LivenessProbe, port, config.Features) : container.LivenessProbe,
            TerminationMessagePolicy = string.IsNullOrEmpty(container.TerminationMessagePolicy)
                ? "FallbackToLogsOnError"
                : container.TerminationMessagePolicy,
            VolumeMounts = config.Observability.EnableVarLogCollection
                ? [.. container.VolumeMounts ?? [], VarLogMount(container.Name)]
                : container.VolumeMounts,
        };
    }

    private static V1EnvVar Field(string name, string path) =>
        new()
        {
            Name = name,
            ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { ApiVersion = "v1", FieldPath = path } },
        };

    private static V1Probe? Liveness(V1Probe? probe, int port, FeaturesConfig features)
    {
        bool Keeps(IntOrString? given) =>
            features.MultiContainerProbing == FeatureFlag.Enabled && !string.IsNullOrEmpty(given?.Value) && given.Value != "0";

        if (probe?.HttpGet is { } get && !Keeps(get.Port))
        {
            return probe with { HttpGet = get with { Port = port } };
        }

        return probe?.TcpSocket is { } socket && !Keeps(socket.Port) ? probe with { TcpSocket = socket with { Port = port } } : probe;
    }

    private static V1VolumeMount VarLogMount(string container) => new()
    {
        Name = VarLogVolume,
        MountPath = "/var/log",
        SubPathExpr = $"$(K_INTERNAL_POD_NAMESPACE)_$(K_INTERNAL_POD_NAME)_{container}",
    };

    private static List<V1Volume>? Volumes(RevisionSpec spec, RevisionConfig config) => config.Observability.EnableVarLogCollection
        ? [.. spec.Volumes ?? [], new V1Volume { Name = VarLogVolume, EmptyDir = new V1EmptyDirVolumeSource() }]
        : spec.Volumes;

    private static V1Affinity? Spread(KnRevision revision, RevisionConfig config) => !config.Deployment.PreferSpreadOverNodes
        ? null
        : new V1Affinity
        {
            PodAntiAffinity = new V1PodAntiAffinity
            {
                PreferredDuringSchedulingIgnoredDuringExecution =
                [
                    new V1WeightedPodAffinityTerm
                    {
                        Weight = 100,
                        PodAffinityTerm = new V1PodAffinityTerm
                        {
                            TopologyKey = "kubernetes.io/hostname",
                            LabelSelector = new V1LabelSelector
                            {
                                MatchLabels = new Dictionary<string, string> { [ServingKeys.Revision] = revision.Metadata.Name },
                            },
                        },
                    },
                ],
            },
        };
}
