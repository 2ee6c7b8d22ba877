using System.Collections.Concurrent;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Knet.Node.Agent;
using Knet.Node.Logs;
using Knet.Node.Runtime;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Pods;

/// <summary>The pods of this node: a worker each, fed by the watch; found again after a restart; looked after now and then.</summary>
internal sealed partial class PodSet(NodeServices node)
{
    private static readonly TimeSpan HousekeepingPeriod = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, PodWorker> _workers = new(StringComparer.Ordinal);
    private readonly ILogger _logger = node.Loggers.CreateLogger<PodSet>();

    public IReadOnlyList<PodContext> All => [.. _workers.Values.Select(w => w.Context)];

    public PodContext? Find(string ns, string name) =>
        _workers.Values.Select(w => w.Context).Where(c => c.Namespace == ns && c.Name == name).MaxBy(c => c.Pod.Metadata.CreationTimestamp);

    /// <summary>A change that the watch saw. Quick: the work is the workers'.</summary>
    public void Handle(InformerChange<V1Pod> change)
    {
        if (change.New is { } pod)
        {
            Handle(pod, null);
        }
        else if (change.Old is { } old && _workers.TryGetValue(old.Metadata.Uid, out var worker))
        {
            worker.Remove();
        }
    }

    /// <summary>
    /// Finds the pods that the last daemon left running and follows them again, with name, uid and address. Pods whose objects were
    /// only in its memory (those of a ReplicaSet) are created again. All else that it left is removed.
    /// </summary>
    /// <remarks>Once, before the watch and before any controller looks at pods.</remarks>
    public async Task<IReadOnlyList<V1Pod>> RecoverAsync(CancellationToken cancellationToken)
    {
        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<V1Pod>()) { FieldSelector = $"spec.nodeName={node.Options.Name}" };
        var page = await node.Client.Transport.ListAsync(request, cancellationToken);
        var known = page.Items.Select(d => d.As<V1Pod>()).ToDictionary(p => p.Metadata.Uid);
        var recovered = new List<PodWorker>();
        foreach (var record in PodRecord.LoadAll(node.Paths))
        {
            if (await RecoverAsync(record, known, cancellationToken) is { } worker)
            {
                recovered.Add(worker);
            }
        }

        var kept = recovered.Select(w => w.Context.Uid).ToHashSet(StringComparer.Ordinal);
        await new Leftovers(node).RemoveAsync(kept);
        await Task.WhenAll(recovered.Select(w => w.WaitForAdoptionAsync()));
        Log.Recovered(_logger, recovered.Count);
        return [.. recovered.Select(w => w.Context.Pod)];
    }

    /// <summary>Rotates logs, and notices containers whose keeper died without a word. Until cancelled.</summary>
    public async Task KeepHouseAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(HousekeepingPeriod, node.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await node.Threads.RunAsync(KeepHouse);
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    /// <summary>Ends all pods and removes all that is theirs on this machine; their objects stay.</summary>
    public async Task StopAllAsync(TimeSpan grace)
    {
        node.IsStopping = true;
        var workers = _workers.Values.ToList();
        foreach (var worker in workers)
        {
            worker.Terminate(worker.Context.Grace < grace ? worker.Context.Grace : grace);
        }

        await Task.WhenAll(workers.Select(w => w.Done));
        await new Leftovers(node).RemoveAsync(new HashSet<string>());
    }

    private PodWorker Handle(V1Pod pod, PodRecord? adopted)
    {
        if (!_workers.TryGetValue(pod.Metadata.Uid, out var worker))
        {
            worker = new PodWorker(pod, node, adopted);
            _workers[pod.Metadata.Uid] = worker;
            worker.Start();
            _ = ForgetAsync(worker);
        }

        worker.Update(pod);
        return worker;
    }

    private async Task ForgetAsync(PodWorker worker)
    {
        await worker.Done;
        _workers.TryRemove(worker.Context.Uid, out _);
    }

    private async Task<PodWorker?> RecoverAsync(
        PodRecord record, Dictionary<string, V1Pod> known, CancellationToken cancellationToken)
    {
        var uid = record.Pod.Metadata.Uid;
        bool IsKnown(ContainerRun run) => run.Process is { } p && (OciRuntime.IsAlive(p) || node.Exits.Find(run.Id) is not null);
        var runs = record.Runs.Where(IsKnown).ToList();
        var pod = known.GetValueOrDefault(uid);
        if (record.Sandbox is not { } sandbox || (pod is null && !IsVolatile(record.Pod)))
        {
            return null;
        }

        if (await node.Network.AdoptAsync(uid, sandbox.NetnsPath, sandbox.Ip) is not { } adopted)
        {
            Log.NotAdopted(_logger, record.Pod.Metadata.Name, "its network namespace is gone");
            return null;
        }

        pod ??= await RecreateAsync(record, cancellationToken);
        if (pod is null)
        {
            await node.Network.ReleaseAsync(adopted);
            return null;
        }

        return Handle(pod, record with { Pod = pod, Sandbox = adopted, Runs = runs });
    }

    /// <summary>A ReplicaSet's pod can be made again from its owner, so the API kept it in memory only.</summary>
    private static bool IsVolatile(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null
        && pod.Metadata.OwnerReferences?.Any(o => o is { Controller: true, Kind: "ReplicaSet" }) == true;

    private async Task<V1Pod?> RecreateAsync(PodRecord record, CancellationToken cancellationToken)
    {
        var metadata = record.Pod.Metadata with { ResourceVersion = null, ManagedFields = null };
        try
        {
            var created = await node.Client.CreateAsync(record.Pod with { Metadata = metadata, Status = record.Status }, cancellationToken);
            if (created.Metadata.Uid == metadata.Uid)
            {
                return created;
            }

            // An API that gives uids of its own cannot take the pod back; its ReplicaSet makes a new one.
            await node.Client.DeleteAsync<V1Pod>(
                metadata.NamespaceProperty, metadata.Name, cancellationToken, new V1DeleteOptions { GracePeriodSeconds = 0 });
            Log.NotAdopted(_logger, metadata.Name, "the API did not keep its uid");
        }
        catch (KubeException e)
        {
            Log.NotAdopted(_logger, metadata.Name, e.Message);
        }

        return null;
    }

    private void KeepHouse()
    {
        foreach (var worker in _workers.Values)
        {
            worker.CheckStorage();
        }

        foreach (var run in All.SelectMany(p => p.All).Where(s => s.IsRunning).Select(s => s.Run).OfType<ContainerRun>())
        {
            if (LogFiles.Rotate(run.LogPath, node.Options.LogBytesMax, node.Options.LogFilesMax, node.Now))
            {
                node.Runtime.ReopenLog(run.Id);
            }

            if (run.Process is { } process && !OciRuntime.IsAlive(process) && node.Exits.Find(run.Id) is null)
            {
                // Its keeper writes the exit within moments, unless it was killed: then nobody else will.
                if (!_lost.Add(run.Id))
                {
                    node.Exits.Report(run.Id, new ContainerExit(137, node.Now));
                }
            }
        }
    }

    private readonly HashSet<string> _lost = [];

    private static partial class Log
    {
        [LoggerMessage(3505, LogLevel.Information, "{Count} pods of the last run were found again")]
        public static partial void Recovered(ILogger logger, int count);

        [LoggerMessage(3506, LogLevel.Warning, "the pod {Pod} outlived the daemon but is not taken over: {Reason}")]
        public static partial void NotAdopted(ILogger logger, string pod, string reason);
    }
}
