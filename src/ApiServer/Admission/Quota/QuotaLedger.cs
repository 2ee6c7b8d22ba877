using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Admission.Quota;

/// <summary>
/// Resource quotas: refuses what would exceed one, and keeps their status. What is used is counted from the store at each decision,
/// with the writes admitted but not stored yet, under one lock: so it is exact whoever writes at once, and nothing can get out of step.
/// Namespaces without a quota cost one look-up.
/// </summary>
internal sealed class QuotaLedger(RegistryParts parts) : IDisposable
{
    private const string Table = "/resourcequotas";
    private static readonly string[] Demanded =
        ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

    private static readonly KubeUser Controller = new(
        "system:serviceaccount:kube-system:resourcequota-controller", ["system:masters", "system:serviceaccounts:kube-system"]);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Table, ObjectKey Key), Counted> _admitted = [];
    private readonly SemaphoreSlim _turn = new(1);

    public void Dispose() => _turn.Dispose();

    /// <summary>Admits a write and holds what it will use until it is stored or given up.</summary>
    /// <exception cref="KubeException">403 in Kubernetes' words: a quota would be exceeded, or demands a request or limit.</exception>
    public void Admit(WriteContext write)
    {
        if (write.Subresource.Length > 0 || !write.Hub.Type.Namespaced || write.Hub.Type.GroupResource == "events"
            || (!write.IsCreate && write.Hub.Type.GroupResource is not ("services" or "persistentvolumeclaims")))
        {
            return;
        }

        var quotas = Of(write.Namespace);
        if (quotas.Count == 0)
        {
            return;
        }

        var wanted = Counted.Of(write.Hub.Type, new KubeDocument(KubeJson.Serialize<JsonNode>(write.Object)));
        var before = write.Stored is { } stored ? Counted.Of(write.Hub.Type, stored.Document) : Counted.Nothing;
        var slot = (KindSource.TableOf(write.Hub.Type), write.Key);
        lock (_gate)
        {
            var concerned = quotas.Where(q => QuotaScopes.Matches(q.Spec, wanted.Pod)).ToList();
            concerned.ForEach(quota => DemandAmounts(write, quota, wanted.Pod));
            var more = wanted.Usage.Above(before.Usage);
            concerned.ForEach(quota => CheckLimits(write, quota, more));
            if (!write.Request.DryRun && more.Names.Any() && _admitted.TryAdd(slot, wanted))
            {
                write.OnEnd(() => Release(slot));
            }
        }
    }

    /// <summary>Brings the status of a namespace's quotas up to date after a write, when it changed what is used.</summary>
    public async Task SettleAsync(KindInfo hub, string subresource, StoredObject? before, StoredObject? after)
    {
        var ns = (after ?? before)!.Key.Namespace;
        if (ns.Length == 0 || Of(ns).Count == 0)
        {
            return;
        }

        if (hub.Type.GroupResource == "resourcequotas")
        {
            if (subresource.Length == 0)
            {
                await RefreshAsync(ns);
            }

            return;
        }

        var (old, now) = (Usage(hub, before), Usage(hub, after));
        if (!old.Same(now))
        {
            await RefreshAsync(ns);
        }

        static Amounts Usage(KindInfo hub, StoredObject? stored) =>
            stored is null ? Counted.Nothing.Usage : Counted.Of(hub.Type, stored.Document).Usage;
    }

    /// <summary>Counts everything anew: pods that were in memory only are gone after a restart.</summary>
    public async Task RefreshAllAsync()
    {
        foreach (var ns in Of("").Select(q => q.Metadata.NamespaceProperty).Distinct())
        {
            await RefreshAsync(ns);
        }
    }

    private void Release((string Table, ObjectKey Key) slot)
    {
        lock (_gate)
        {
            _admitted.Remove(slot);
        }
    }

    private List<V1ResourceQuota> Of(string ns) => [.. parts.Store.Snapshot(Table).Range(ns).Select(s => s.Document.As<V1ResourceQuota>())];

    // Who limits cpu or memory wants each container to say how much it takes.
    private static void DemandAmounts(WriteContext write, V1ResourceQuota quota, V1Pod? pod)
    {
        if (pod is null)
        {
            return;
        }

        var missing = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var name in (quota.Spec.Hard?.Keys ?? []).Intersect(Demanded))
        {
            var without = pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? []).Where(c => !Says(c.Resources, name)).Select(c => c.Name);
            if (new SortedSet<string>(without, StringComparer.Ordinal) is { Count: > 0 } containers)
            {
                missing[name] = containers;
            }
        }

        if (missing.Count > 0)
        {
            var list = string.Join("; ", missing.Select(m => $"{m.Key} for: {string.Join(",", m.Value)}"));
            throw Refusals.Forbidden(write.Hub.Type, write.Name, $"failed quota: {quota.Metadata.Name}: must specify {list}");
        }
    }

    private static bool Says(V1ResourceRequirements? resources, string name) => name.StartsWith("limits.", StringComparison.Ordinal)
        ? resources?.Limits?.ContainsKey(name["limits.".Length..]) == true
        : resources?.Requests?.ContainsKey(name.Replace("requests.", "", StringComparison.Ordinal)) == true;

    private void CheckLimits(WriteContext write, V1ResourceQuota quota, Amounts more)
    {
        var hard = Amounts.Of(quota.Spec.Hard);
        var asked = hard.Names.Where(name => more[name] > 0).ToList();
        if (asked.Count == 0)
        {
            return;
        }

        var used = Used(quota);
        var exceeded = asked.Where(name => used[name] + more[name] > hard[name]).ToList();
        if (exceeded.Count > 0)
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name,
                $"exceeded quota: {quota.Metadata.Name}, requested: {more.Text(exceeded)}, used: {used.Text(exceeded)}, "
                + $"limited: {hard.Text(exceeded)}");
        }
    }

    /// <summary>What is stored, and with the lock held also what is about to be.</summary>
    private Amounts Used(V1ResourceQuota quota)
    {
        var used = new Amounts();
        var hard = quota.Spec.Hard?.Keys ?? [];
        foreach (var type in Kinds(hard))
        {
            var table = KindSource.TableOf(type);
            var stored = parts.Store.Snapshot(table).Range(quota.Metadata.NamespaceProperty)
                .Where(s => !_gate.IsHeldByCurrentThread || !_admitted.ContainsKey((table, s.Key)))
                .Select(s => Counted.Of(type, s.Document));
            var coming = _gate.IsHeldByCurrentThread
                ? _admitted.Where(a => a.Key.Table == table && a.Key.Key.Namespace == quota.Metadata.NamespaceProperty).Select(a => a.Value)
                : [];
            foreach (var counted in stored.Concat(coming).Where(c => QuotaScopes.Matches(quota.Spec, c.Pod)))
            {
                used.Add(counted.Usage);
            }
        }

        return used;
    }

    private IEnumerable<ResourceType> Kinds(ICollection<string> hard) => hard.Select(name =>
        name.StartsWith("count/", StringComparison.Ordinal) ? name["count/".Length..]
        : name.StartsWith("services.", StringComparison.Ordinal) ? "services"
        : name == "requests.storage" || name.Contains(".storageclass.storage.k8s.io/", StringComparison.Ordinal) ? "persistentvolumeclaims"
        : Counted.PlainKinds.Contains(name) ? name
        : "pods").Distinct().Select(Find).OfType<ResourceType>();

    private ResourceType? Find(string groupResource) =>
        parts.Kinds.Catalog.All.FirstOrDefault(k => k.Type.GroupResource == groupResource) is { } kind ? parts.Kinds.HubOf(kind).Type : null;

    private async Task RefreshAsync(string ns)
    {
        // One at a time: of many writes at once the first to come here tells for all, the others find nothing to change.
        await _turn.WaitAsync();
        try
        {
            foreach (var name in Of(ns).Select(q => q.Metadata.Name))
            {
                await WriteStatusAsync(ns, name);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task WriteStatusAsync(string ns, string name)
    {
        var kind = parts.Kinds.Catalog.Find("", "v1", "resourcequotas")!;
        var request = new KubeRequest(KubeVerb.Update, kind.Type)
        {
            Namespace = ns, Name = name, Subresource = "status", FieldManager = "kube-controller-manager",
        };
        var pipeline = new WritePipeline(parts);
        try
        {
            await new Updates(parts, pipeline, new Creations(parts, pipeline)).ChangeAsync(kind, kind, request, Controller, [], value =>
            {
                value["status"] = Status(KubeJson.Deserialize<V1ResourceQuota>(KubeJson.Serialize<JsonNode>(value)));
                return value;
            });
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // Deleted meanwhile: its status interests nobody.
        }
    }

    private JsonObject Status(V1ResourceQuota quota)
    {
        var (hard, used) = (Amounts.Of(quota.Spec?.Hard), Used(quota));
        return new JsonObject
        {
            ["hard"] = new JsonObject(hard.Names.Select(n => KeyValuePair.Create(n, (JsonNode?)hard.Text(n)))),
            ["used"] = new JsonObject(hard.Names.Select(n => KeyValuePair.Create(n, (JsonNode?)used.Text(n)))),
        };
    }
}
