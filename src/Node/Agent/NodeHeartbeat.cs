using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Node.Network;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Agent;

/// <summary>Registers the Node and keeps saying that it lives: the Lease every few seconds, the status every few minutes.</summary>
internal sealed partial class NodeHeartbeat(NodeServices node, Func<int> kubeletPort)
{
    private const string LeaseNamespace = "kube-node-lease";
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);
    private readonly ILogger _logger = node.Loggers.CreateLogger<NodeHeartbeat>();
    private string? _uid;
    private NodePressure _pressure;

    /// <summary>Creates or refreshes the Node object; it is Ready then.</summary>
    /// <exception cref="KubeException">The API refused.</exception>
    public async Task RegisterAsync(CancellationToken cancellationToken)
    {
        var name = node.Options.Name;
        _pressure = NodeObject.Pressure(node.Options);
        var present = await node.Client.FindAsync<V1Node>("", name, cancellationToken);
        var wanted = NodeObject.Of(
            node.Options, node.Runtime.Program, kubeletPort(), _pressure, node.NowSeconds, present?.Status?.Conditions);
        if (present is null)
        {
            present = await node.Client.CreateAsync(wanted, cancellationToken);
        }
        else
        {
            var labels = Wrap("metadata", new V1ObjectMeta { Labels = wanted.Metadata.Labels });
            await node.Client.PatchAsync<V1Node>("", name, PatchKind.Merge, labels, cancellationToken);
        }

        _uid = present.Metadata.Uid;
        var status = Wrap("status", wanted.Status);
        await node.Client.PatchAsync<V1Node>("", name, PatchKind.Merge, status, cancellationToken, "status");
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var statusDue = node.Now + node.Options.StatusPeriod;
        while (!cancellationToken.IsCancellationRequested)
        {
            var wait = node.Options.LeasePeriod;
            try
            {
                await node.Network.MendAsync(cancellationToken);
                await RenewAsync(cancellationToken);
                if (node.Now >= statusDue || NodeObject.Pressure(node.Options) != _pressure)
                {
                    await RegisterAsync(cancellationToken);
                    statusDue = node.Now + node.Options.StatusPeriod;
                }
            }
            catch (Exception e) when (e is KubeException or HttpRequestException or NetworkException)
            {
                Log.Failed(_logger, e.Message);
                wait = Retry;
            }

            await Task.Delay(wait, node.Time, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        var lease = new V1Lease
        {
            ApiVersion = "coordination.k8s.io/v1",
            Kind = "Lease",
            Metadata = new V1ObjectMeta
            {
                Name = node.Options.Name,
                NamespaceProperty = LeaseNamespace,
                OwnerReferences = [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = node.Options.Name, Uid = _uid }],
            },
            Spec = new V1LeaseSpec
            {
                HolderIdentity = node.Options.Name,
                LeaseDurationSeconds = (int)(node.Options.LeasePeriod.TotalSeconds * 4),
                RenewTime = node.Now.UtcDateTime,
            },
        };
        try
        {
            var spec = Wrap("spec", lease.Spec);
            await node.Client.PatchAsync<V1Lease>(LeaseNamespace, node.Options.Name, PatchKind.Merge, spec, cancellationToken);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            await node.Client.CreateAsync(lease, cancellationToken);
        }
    }

    private static byte[] Wrap<T>(string member, T value) =>
        [.. Encoding.UTF8.GetBytes($"{{\"{member}\":"), .. KubeJson.Serialize(value), (byte)'}'];

    private static partial class Log
    {
        [LoggerMessage(3501, LogLevel.Warning, "the node could not say that it lives: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);
    }
}
