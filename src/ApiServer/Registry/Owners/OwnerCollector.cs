using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Crds;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Registry.Owners;

/// <summary>
/// Deletes what lost its owners, holds foreground deletions until the dependents are gone, takes references away when dependents are to
/// be orphaned, and removes the objects of CRDs that go. One loop over the store's events.
/// </summary>
internal sealed partial class OwnerCollector(RegistryParts parts, Registry registry, ILogger<OwnerCollector> logger) : IAsyncDisposable
{
    private static readonly KubeUser User = new(
        "system:serviceaccount:kube-system:generic-garbage-collector",
        ["system:masters", "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]);

    private readonly OwnerGraph _graph = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start()
    {
        var (objects, watch) = parts.Store.WatchEverything();
        _loop = RunAsync(objects, watch);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync(IReadOnlyList<(string Table, StoredObject Object)> objects, StoreWatch watch)
    {
        await Task.Yield();
        using var ending = watch;
        foreach (var (table, stored) in objects)
        {
            _graph.Put(table, stored);
        }

        try
        {
            foreach (var (table, stored) in objects)
            {
                await GuardAsync(new StoreEvent(WatchEventType.Added, table, stored.Revision, null, stored));
            }

            while (await watch.WaitAsync(_stop.Token))
            {
                while (watch.TryRead(out var change) && !_stop.IsCancellationRequested)
                {
                    await GuardAsync(change);
                }
            }
        }
        catch (OperationCanceledException)
        {
            Log.Stopped(logger);
        }
    }

    // The outer edge of the loop: one object's trouble must not end the collection of all others.
    private async Task GuardAsync(StoreEvent change)
    {
        try
        {
            await HandleAsync(change);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.Failed(logger, e, change.Table, change.Object!.Key.ToString());
        }
    }

    private async Task HandleAsync(StoreEvent change)
    {
        if (change.Type == WatchEventType.Deleted)
        {
            if (_graph.Remove(change.Object!) is { } gone)
            {
                await AfterGoneAsync(gone);
            }

            await FinishCrdOfAsync(change.Table);
            return;
        }

        if (_graph.Put(change.Table, change.Object!) is not { } node)
        {
            return;
        }

        await CollectAsync(node);
        if (node.WaitsForDependents)
        {
            await DeleteDependentsAsync(node);
        }
        else if (node.Orphans)
        {
            await OrphanAsync(node);
        }

        if (node is { IsDeleting: true, Table: CrdStrategy.Table })
        {
            await EmptyCrdAsync(change.Object!);
        }
    }

    private async Task AfterGoneAsync(OwnedNode gone)
    {
        foreach (var dependent in _graph.DependentsOf(gone.Uid).ToList())
        {
            await CollectAsync(dependent);
        }

        // Its owners may have waited for it.
        foreach (var owner in gone.Owners)
        {
            if (_graph.Find(owner.Uid) is { WaitsForDependents: true } waiting)
            {
                await ReleaseAsync(waiting);
            }
        }
    }

    /// <summary>Deletes an object all of whose owners are gone, or that an owner in foreground deletion waits for.</summary>
    private async Task CollectAsync(OwnedNode node)
    {
        if (node.Owners.Count == 0 || node.IsDeleting)
        {
            return;
        }

        var present = node.Owners.Where(IsPresent).ToList();
        var waitedFor = present.Any(o => _graph.Find(o.Uid)!.WaitsForDependents);
        if (present.Count == 0 || (waitedFor && present.All(o => _graph.Find(o.Uid)!.WaitsForDependents)))
        {
            var policy = waitedFor && _graph.DependentsOf(node.Uid).Count > 0 ? "Foreground" : "Background";
            await DeleteAsync(node, policy);
        }
        else if (present.Count < node.Owners.Count)
        {
            await DropOwnersAsync(node, o => !present.Contains(o));
        }
    }

    private bool IsPresent(V1OwnerReference owner) => _graph.Find(owner.Uid) is { } found && found.Key.Name == owner.Name;

    private async Task DeleteDependentsAsync(OwnedNode owner)
    {
        foreach (var dependent in _graph.DependentsOf(owner.Uid).ToList())
        {
            await CollectAsync(dependent);
        }

        await ReleaseAsync(owner);
    }

    // Foreground deletion waits for those dependents only that say blockOwnerDeletion.
    private async Task ReleaseAsync(OwnedNode owner)
    {
        if (!_graph.DependentsOf(owner.Uid).Any(d => d.Owners.Any(o => o.Uid == owner.Uid && o.BlockOwnerDeletion == true)))
        {
            await RemoveFinalizerAsync(owner.Table, owner.Key, Deletions.Foreground);
        }
    }

    private async Task OrphanAsync(OwnedNode owner)
    {
        foreach (var dependent in _graph.DependentsOf(owner.Uid).ToList())
        {
            await DropOwnersAsync(dependent, o => o.Uid == owner.Uid);
        }

        await RemoveFinalizerAsync(owner.Table, owner.Key, Deletions.Orphan);
    }

    private Task DeleteAsync(OwnedNode node, string policy) => SendAsync(node.Table, KubeVerb.Delete, node.Key, r => r with
    {
        DeleteOptions = new V1DeleteOptions { PropagationPolicy = policy, Preconditions = new V1Preconditions { Uid = node.Uid } },
    });

    private Task DropOwnersAsync(OwnedNode node, Func<V1OwnerReference, bool> drop)
    {
        var kept = node.Owners.Where(o => !drop(o)).ToList();
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["uid"] = node.Uid,
                ["ownerReferences"] = kept.Count == 0 ? null : JsonNode.Parse(KubeJson.Serialize(kept)),
            },
        };
        return PatchAsync(node.Table, node.Key, patch);
    }

    private async Task RemoveFinalizerAsync(string table, ObjectKey key, string finalizer)
    {
        if (parts.Store.Find(table, key)?.Document.Metadata is { Finalizers: { } present } metadata && present.Contains(finalizer))
        {
            var kept = present.Where(f => f != finalizer).ToList();
            await PatchAsync(table, key, new JsonObject
            {
                ["metadata"] = new JsonObject
                {
                    ["uid"] = metadata.Uid,
                    ["resourceVersion"] = metadata.ResourceVersion,
                    ["finalizers"] = kept.Count == 0 ? null : JsonMembers.ToArray(kept),
                },
            });
        }
    }

    private async Task EmptyCrdAsync(StoredObject crd)
    {
        var spec = ObjectBodies.Parse(crd.Document).Object("spec");
        var table = $"{spec.Text("group")}/{spec.Object("names").Text("plural")}";
        if (parts.Kinds.Catalog.All.FirstOrDefault(k => k.Definition == crd.Key.Name) is { } kind)
        {
            await registry.SendAsync(new KubeRequest(KubeVerb.DeleteCollection, kind.Type), User, _stop.Token);
        }
        else if (!parts.Kinds.Catalog.All.Any(k => KindSource.TableOf(k.Type) == table))
        {
            // Nobody can reach objects of which no version is served, nor take their finalizers away.
            foreach (var left in parts.Store.Snapshot(table).Range("").ToList())
            {
                await parts.Store.WriteAsync(new StoreWrite(table, left.Key, null, left.Revision, Durability.Committed));
            }
        }
        else
        {
            // It never got to serve: the objects of that name are a built-in kind's.
            await RemoveFinalizerAsync(CrdStrategy.Table, crd.Key, CrdStrategy.Finalizer);
            return;
        }

        if (parts.Store.Snapshot(table).Count == 0)
        {
            await RemoveFinalizerAsync(CrdStrategy.Table, crd.Key, CrdStrategy.Finalizer);
        }
    }

    private async Task FinishCrdOfAsync(string table)
    {
        var (group, plural) = (table[..table.IndexOf('/', StringComparison.Ordinal)], table[(table.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        if (group.Contains('.', StringComparison.Ordinal)
            && parts.Store.Find(CrdStrategy.Table, new ObjectKey("", $"{plural}.{group}")) is { } crd
            && crd.Document.Metadata.DeletionTimestamp is not null && parts.Store.Snapshot(table).Count == 0)
        {
            await RemoveFinalizerAsync(CrdStrategy.Table, crd.Key, CrdStrategy.Finalizer);
        }
    }

    private Task PatchAsync(string table, ObjectKey key, JsonObject patch) => SendAsync(
        table, KubeVerb.Patch, key, r => r with { Patch = PatchKind.Merge, Body = Encoding.UTF8.GetBytes(patch.ToJsonString()) });

    private async Task SendAsync(string table, KubeVerb verb, ObjectKey key, Func<KubeRequest, KubeRequest> complete)
    {
        var kind = parts.Kinds.Catalog.All.FirstOrDefault(k => KindSource.TableOf(k.Type) == table);
        if (kind is null)
        {
            return;
        }

        var request = new KubeRequest(verb, parts.Kinds.HubOf(kind).Type) { Namespace = key.Namespace, Name = key.Name };
        try
        {
            await registry.SendAsync(complete(request), User, _stop.Token);
        }
        catch (KubeException e) when (e.IsNotFound || e.IsConflict)
        {
            Log.Overtaken(logger, e.Message); // the event of that change follows and decides anew
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3101, LogLevel.Debug, "The owner collector stops")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(3102, LogLevel.Error, "Collecting after a change of {Table} {Key} failed")]
        public static partial void Failed(ILogger logger, Exception error, string table, string key);

        [LoggerMessage(3103, LogLevel.Debug, "The collector was overtaken: {Reason}")]
        public static partial void Overtaken(ILogger logger, string reason);
    }
}
