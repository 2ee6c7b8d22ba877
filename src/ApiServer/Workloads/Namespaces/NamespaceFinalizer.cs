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
        if (_namespaces.Find("", ns) is not { Metadata.DeletionTimestamp: not null })
        {
            return true;
        }

        var left = 0;
        foreach (var type in kinds())
        {
            left += await EmptyAsync(type, ns, cancellationToken);
        }

        if (left > 0)
        {
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

    /// <summary>Deletes all objects of a kind; how many are still there.</summary>
    private async Task<int> EmptyAsync(ResourceType type, string ns, CancellationToken cancellationToken)
    {
        try
        {
            var request = new KubeRequest(KubeVerb.List, type) { Namespace = ns };
            var page = await client.Transport.ListAsync(request, cancellationToken);
            if (page.Items.All(d => d.Metadata.DeletionTimestamp is not null))
            {
                return page.Items.Count;
            }

            await client.Transport.SendAsync(
                request with { Verb = KubeVerb.DeleteCollection, DeleteOptions = new V1DeleteOptions { PropagationPolicy = "Background" } },
                cancellationToken);
            return (await client.Transport.ListAsync(request, cancellationToken)).Items.Count;
        }
        catch (KubeException e) when (e.IsNotFound || e.Code == 405)
        {
            // The kind went away meanwhile, or cannot be deleted: nothing of it holds the namespace.
            return 0;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1601, LogLevel.Warning, "Namespace {Namespace} could not be emptied yet: {Error}")]
        public static partial void Failed(ILogger logger, string @namespace, string error);
    }
}
