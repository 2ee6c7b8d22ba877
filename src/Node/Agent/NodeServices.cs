using Knet.DataPlane.Stats;
using Knet.Kube.Client;
using Knet.Kube.Events;
using Knet.Node.Network;
using Knet.Node.Pods;
using Knet.Node.Probes;
using Knet.Node.Runtime;
using Knet.Node.Volumes;
using Knet.Oci;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Agent;

/// <summary>What all parts of the node share, one instance each.</summary>
internal sealed record NodeServices
{
    public required NodeOptions Options { get; init; }
    public required NodePaths Paths { get; init; }
    public required KubeClient Client { get; init; }
    public required IImages Images { get; init; }
    public required IPodNetwork Network { get; init; }
    public required IPodPorts? Ports { get; init; }
    public required ColdStarts ColdStarts { get; init; }
    public required TimeProvider Time { get; init; }
    public required OciRuntime Runtime { get; init; }
    public required WorkerThreads Threads { get; init; }
    public required ContainerExits Exits { get; init; }
    public required Cgroups Cgroups { get; init; }
    public required EventRecorder Events { get; init; }
    public required ServiceEnvironment ServiceEnvironment { get; init; }
    public required WatchedObjects Objects { get; init; }
    public required PersistentVolumes Volumes { get; init; }
    public required ProbeClient Probes { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required HostRights Rights { get; init; }
    public required long MemoryBytes { get; init; }

    /// <summary>The node is going down: pods end, their objects stay.</summary>
    public bool IsStopping { get; set; }

    /// <summary>The daemon leaves, the containers stay: nothing is reported or stopped any more.</summary>
    public bool IsDetached { get; set; }

    public DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>Now in whole seconds, as times in statuses are.</summary>
    public DateTime NowSeconds => Seconds(Now);

    public static DateTime Seconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc);
}
