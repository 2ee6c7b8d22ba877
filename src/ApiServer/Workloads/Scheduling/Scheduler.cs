using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Pods;
using Knet.ApiServer.Workloads.Volumes;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Knet.Kube.WorkQueue;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Workloads.Scheduling;

/// <summary>
/// Binds pods without a node: one at a time, so that two never get the same room. Pods that fit nowhere are tried again when a node
/// or one of their claims changes, and when a pod gives something back, but then not before their back-off is over. No preemption.
/// </summary>
/// <remarks>No reconciler, because its decision rests on sums over all pods, which must not be added up for each pod anew.</remarks>
internal sealed partial class Scheduler(KubeClient client, EventRecorder events, TimeProvider time, ILogger logger) : IControlLoop
{
    public const string Name = "default-scheduler";

    private readonly Lock _lock = new();
    private readonly NodeUsage _usage = new();
    private readonly WorkQueue<ObjectKey> _queue = new(time, new WorkQueueOptions { BackoffMax = TimeSpan.FromSeconds(10) });
    private readonly Dictionary<ObjectKey, Attempt> _waiting = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _subscriptions = [];
    private Informer<V1Pod> _pods = null!;
    private Informer<V1Node> _nodes = null!;
    private Informer<V1PersistentVolumeClaim> _claims = null!;
    private Informer<V1StorageClass> _classes = null!;
    private Task _loop = Task.CompletedTask;

    public void Declare(InformerFactory informers)
    {
        _pods = informers.Get<V1Pod>();
        _nodes = informers.Get<V1Node>();
        _claims = informers.Get<V1PersistentVolumeClaim>();
        _classes = informers.Get<V1StorageClass>();
    }

    public void Start()
    {
        _subscriptions.Add(_pods.Subscribe(OnPod));
        _subscriptions.Add(_nodes.Subscribe(OnNode));
        _subscriptions.Add(_claims.Subscribe(OnClaim));
        _loop = RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _subscriptions.ForEach(s => s.Dispose());
        await _stop.CancelAsync();
        await _loop;
        _queue.Dispose();
        _stop.Dispose();
    }

    /// <summary>Kubernetes' numbers: 1 s after the first try, doubled with each further one up to 10 s.</summary>
    internal static TimeSpan BackoffOf(int tries) => TimeSpan.FromSeconds(Math.Min(10, Math.Pow(2, Math.Min(tries, 10) - 1)));

    private static bool IsOurs(V1Pod pod) =>
        string.IsNullOrEmpty(pod.Spec?.NodeName) && pod.Spec?.SchedulerName is null or "" or Name && PodStates.IsActive(pod)
        && pod.Spec?.SchedulingGates is not { Count: > 0 };

    private void OnPod(InformerChange<V1Pod> change)
    {
        if (_usage.Follow(change.Key, change.New))
        {
            RetryWaiting();
        }

        // Our own note of a failure must not be the reason for the next try.
        var worthwhile = change.Old is null || change.Old.Metadata.Generation != change.New?.Metadata.Generation
            || change.Old.Metadata.Uid != change.New?.Metadata.Uid || !IsWaiting(change.Key);
        if (change.New is { } pod && IsOurs(pod) && worthwhile)
        {
            _queue.Add(change.Key);
        }
    }

    // Heartbeats change a node's status every few seconds: only what a placement looks at counts.
    private void OnNode(InformerChange<V1Node> change)
    {
        static string Placing(V1Node? node) => node is null ? "" : System.Text.Encoding.UTF8.GetString(KubeJson.Serialize(
            new V1Node
            {
                Metadata = new V1ObjectMeta { Labels = node.Metadata.Labels }, Spec = node.Spec,
                Status = new V1NodeStatus
                {
                    Allocatable = node.Status?.Allocatable,
                    Conditions = node.Status?.Conditions?.Select(c => new V1NodeCondition { Type = c.Type, Status = c.Status }).ToList(),
                },
            }));

        if (Placing(change.Old) != Placing(change.New))
        {
            foreach (var (key, _) in Waiting())
            {
                _queue.Add(key); // rare, and at the start all pods wait for it: no back-off
            }
        }
    }

    // A pod waits for just this claim: nothing is gained by letting it wait longer.
    private void OnClaim(InformerChange<V1PersistentVolumeClaim> change)
    {
        foreach (var (key, _) in Waiting().Where(w => w.Key.Namespace == change.Key.Namespace))
        {
            if (_pods.Find(key.Namespace, key.Name) is { } pod && EphemeralClaimReconciler.ClaimsOf(pod).Contains(change.Key.Name))
            {
                _queue.Add(key);
            }
        }
    }

    private bool IsWaiting(ObjectKey key)
    {
        lock (_lock)
        {
            return _waiting.ContainsKey(key);
        }
    }

    private KeyValuePair<ObjectKey, Attempt>[] Waiting()
    {
        lock (_lock)
        {
            return [.. _waiting];
        }
    }

    private void RetryWaiting()
    {
        foreach (var (key, last) in Waiting())
        {
            _queue.AddAfter(key, last.At + BackoffOf(last.Tries) - time.GetUtcNow());
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var key = await _queue.TakeAsync(cancellationToken);
                try
                {
                    await ScheduleAsync(key, cancellationToken);
                }
                catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
                {
                    Log.Failed(logger, key, e.Message);
                    _queue.AddRateLimited(key);
                }
                finally
                {
                    _queue.Done(key);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task ScheduleAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var pod = _pods.Find(key.Namespace, key.Name);
        lock (_lock)
        {
            _waiting.Remove(key, out var last);
            if (pod is null || !IsOurs(pod))
            {
                _queue.Forget(key);
                return;
            }

            // Waiting before looking: a change during the look is then a reason to look again.
            _waiting.Add(key, new Attempt(last.Tries + 1, time.GetUtcNow()));
        }

        var claims = ClaimsOfPod.Check(pod, n => _claims.Find(key.Namespace, n), n => _classes.Find("", n));
        if (claims == ClaimsOfPod.BeingBound)
        {
            return;
        }

        var placement = Placement.Decide(pod, _nodes.List(), _usage.TakenOn, claims);
        if (placement.Node is null)
        {
            await NoteAsync(pod, placement.Message, cancellationToken);
            return;
        }

        lock (_lock)
        {
            _waiting.Remove(key);
        }

        await BindAsync(key, pod, placement.Node, cancellationToken);
    }

    private async Task BindAsync(ObjectKey key, V1Pod pod, string node, CancellationToken cancellationToken)
    {
        var binding = new V1Binding
        {
            ApiVersion = "v1",
            Kind = "Binding",
            Metadata = new V1ObjectMeta { NamespaceProperty = key.Namespace, Name = key.Name, Uid = pod.Metadata.Uid },
            Target = new V1ObjectReference { ApiVersion = "v1", Kind = "Node", Name = node },
        };
        _usage.Assume(pod, node);
        try
        {
            await client.Transport.SendAsync(
                new KubeRequest(KubeVerb.Create, ResourceType.Of<V1Pod>())
                {
                    Namespace = key.Namespace, Name = key.Name, Subresource = "binding", Body = KubeJson.Serialize(binding),
                    FieldManager = client.FieldManager,
                }, cancellationToken);
            _queue.Forget(key);
            events.Record(Name, pod, new PlanEvent("Normal", "Scheduled", $"Successfully assigned {key} to {node}"));
        }
        catch (KubeException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or bound already (by somebody else, or by us and the cache is late): what the watch says counts.
            _usage.Forget(key);
            _usage.Follow(key, _pods.Find(key.Namespace, key.Name));
        }
        catch
        {
            _usage.Forget(key);
            throw;
        }
    }

    private async Task NoteAsync(V1Pod pod, string message, CancellationToken cancellationToken)
    {
        events.Record(Name, pod, new PlanEvent("Warning", "FailedScheduling", message));
        if (PodStates.Condition(pod, "PodScheduled") is { Status: "False", Reason: "Unschedulable" } known && known.Message == message)
        {
            return;
        }

        var condition = new JsonObject
        {
            ["type"] = "PodScheduled",
            ["status"] = "False",
            ["reason"] = "Unschedulable",
            ["message"] = message,
            ["lastTransitionTime"] = time.GetUtcNow()
                .UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture),
        };
        var patch = new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } };
        try
        {
            await client.PatchAsync<V1Pod>(
                pod.Metadata.NamespaceProperty, pod.Metadata.Name, PatchKind.Strategic, KubeJson.Serialize(patch), cancellationToken,
                    "status");
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // It was deleted meanwhile.
        }
    }

    private readonly record struct Attempt(int Tries, DateTimeOffset At);

    private static partial class Log
    {
        [LoggerMessage(1501, LogLevel.Warning, "{Key}: scheduling failed and is tried again: {Error}")]
        public static partial void Failed(ILogger logger, ObjectKey key, string error);
    }
}
