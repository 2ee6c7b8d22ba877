using Knet.Daemon.Startup;
using Knet.Node.Agent;
using Knet.Node.Network;
using Knet.Oci.Local;
using Knet.Oci.Registry;
using Knet.Oci.Store;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>The options of the node's parts, made from the daemon's.</summary>
internal static class Machine
{
    public static NetworkOptions Network(DaemonOptions options) => new()
    {
        BridgeName = $"knet{options.Instance}0",
        InterfacePrefix = $"knp{options.Instance}",
        TableName = $"knet{options.Instance}",
        PodRange = options.PodRange,
        ServiceRange = options.ServiceRange,
        RunDirectory = Path.Combine(options.Run, "netns"),
        StateFile = Path.Combine(options.Run, "network.json"),
        Egress = options.Egress ? Egress.Masquerade : Egress.Off,
    };

    public static NodeOptions Node(DaemonOptions options) => new()
    {
        Name = options.NodeName,
        CgroupRoot = $"/knet{options.Instance}",
        Address = options.BridgeAddress.ToString(),
        RunDirectory = Path.Combine(options.Run, "node"),
        DataDirectory = Path.Combine(options.Home, "node"),
        VolumesDirectory = Path.Combine(options.Home, "volumes"),
        ApiHost = options.ApiServiceAddress.ToString(),
        AllowHostPath = options.AllowHostPath,
        AllowPrivileged = options.AllowPrivileged,
        LogBytesMax = options.Limits.LogBytes,
        LogFilesMax = options.Limits.LogFiles,
        PodsMax = options.Limits.Pods,
    };

    public static Images Images(DaemonOptions options, TimeProvider time, ILoggerFactory loggers) => new(
        new StoreOptions { Root = Path.Combine(options.Home, "images"), BytesMax = options.Limits.ImageBytes },
        new RegistryClient(new RegistryOptions(), time),
        time,
        loggers.CreateLogger<Images>());
}
