using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Informers;
using Knet.Kube.WorkQueue;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Workloads.Namespaces;

/// <summary>Empties a namespace that is being deleted, of every kind there is, then lets it go.</summary>
/// <remarks>No reconciler: which kinds exist changes with every CRD, so it asks the API instead of caches.</remarks>
/// <param name="kinds">All namespaced kinds that are stored and can be listed and deleted, as of now.</param>
internal sealed partial class NamespaceFinalizer(
    KubeClient client, Func<IEnumerable<ResourceType>> kinds, TimeProvider time, ILogger logger) : IControlLoop
{
    // Finalizers and pods' grace periods take their time; nothing says when the last object is gone.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    private readonly WorkQueue<ObjectKey> _queue = new(time, new WorkQueueOptions { BackoffMax = TimeSpan.FromSeconds(30) });
    private readonly CancellationTokenSource _stop = new();
    private Informer<V1Namespace> _namespaces = null!;
    private IDisposable? _subscription;
    private Task _loop = Task.CompletedTask;

    public void Declare(InformerFactory informers) => _namespaces = informers.Get<V1Namespace>();

    public void Start()
    {
        _subscription = _namespaces.Subscribe(change =>
        {
            if (change.New?.Metadata.DeletionTimestamp is not null)
            {
                _queue.Add(change.Key);
            }
        });
        _loop = RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        await _stop.CancelAsync();
        await _loop;
        _queue.Dispose();
        _stop.Dispose();
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
                    if (await FinalizeAsync(key.Name, cancellationToken))
                    {
                        _queue.Forget(key);
                    }
                    else
                    {
                        _queue.AddAfter(key, LookAgain);
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
                {
                    Log.Failed(logger, key.Name, e.Message);
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

    private async Task<bool> FinalizeAsync(string ns, CancellationToken cancellationToken)
    {
        if (_namespaces.Find("", ns) is not { Metadata.DeletionTimestamp: not null } known)
        {
            return true;
        }

        var left = new List<Remains>();
        foreach (var type in kinds())
        {
            left.Add(new Remains(type, await EmptyAsync(type, ns, cancellationToken)));
        }

        if (left.Any(r => r.Finalizers.Count > 0))
        {
            await NoteAsync(known, left, cancellationToken);
            return false;
        }

        var live = await client.FindAsync<V1Namespace>("", ns, cancellationToken);
        if (live is null)
        {
            return true;
        }

        var body = JsonNode.Parse(KubeJson.Serialize(live))!.AsObject();
        if (body["spec"]?["finalizers"] is JsonArray finalizers)
        {
            body["spec"]!["finalizers"] = new JsonArray([.. finalizers.Where(f => (string?)f != "kubernetes").Select(f => f?.DeepClone())]);
        }

        await client.Transport.SendAsync(
            new KubeRequest(KubeVerb.Update, ResourceType.Of<V1Namespace>())
            {
                Name = ns, Subresource = "finalize",
                Body = KubeJson.Serialize(body)
            },
            cancellationToken);
        return true;
    }

    /// <summary>Says in the status what is still there.</summary>
    private async Task NoteAsync(V1Namespace ns, IReadOnlyList<Remains> left, CancellationToken cancellationToken)
    {
        if (NamespaceConditions.Patch(ns.Status?.Conditions, left, time.GetUtcNow()) is not { } patch)
        {
            return;
        }

        try
        {
            await client.PatchAsync<V1Namespace>("", ns.Metadata.Name, PatchKind.Strategic, KubeJson.Serialize(patch), cancellationToken, "status");
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // Somebody else let it go meanwhile.
        }
    }

    /// <summary>Deletes all objects of a kind; the finalizers of each that is still there.</summary>
    private async Task<IReadOnlyList<IList<string>?>> EmptyAsync(ResourceType type, string ns, CancellationToken cancellationToken)
    {
        try
        {
            var request = new KubeRequest(KubeVerb.List, type) { Namespace = ns };
            var page = await client.Transport.ListAsync(request, cancellationToken);
            if (page.Items.All(d => d.Metadata.DeletionTimestamp is not null))
            {
                return FinalizersOf(page);
            }

            await client.Transport.SendAsync(
                request with { Verb = KubeVerb.DeleteCollection, DeleteOptions = new V1DeleteOptions { PropagationPolicy = "Background" } },
                cancellationToken);
            return FinalizersOf(await client.Transport.ListAsync(request, cancellationToken));
        }
        catch (KubeException e) when (e.IsNotFound || e.Code == 405)
        {
            // The kind went away meanwhile, or cannot be deleted: nothing of it holds the namespace.
            return [];
        }
    }

    private static List<IList<string>?> FinalizersOf(KubeListPage page) => [.. page.Items.Select(d => d.Metadata.Finalizers)];

    private static partial class Log
    {
        [LoggerMessage(1601, LogLevel.Warning, "Namespace {Namespace} could not be emptied yet: {Error}")]
        public static partial void Failed(ILogger logger, string @namespace, string error);
    }
}
