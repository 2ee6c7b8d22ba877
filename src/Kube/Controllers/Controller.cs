using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Knet.Kube.WorkQueue;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Controllers;

/// <summary>
/// The loop of one controller: take a key, look, decide, carry out the steps until one fails, write the status even then, record Events,
/// and forget the key or come back to it.
/// </summary>
internal sealed partial class Controller<TResource, TStatus> : IControlLoop
    where TResource : class, IKubernetesObject<V1ObjectMeta>
    where TStatus : class
{
    private static readonly Meter Meter = new("Knet.Kube");
    private static readonly Counter<long> Reconciles = Meter.CreateCounter<long>("knet_controller_reconciles_total");
    private static readonly Counter<long> Errors = Meter.CreateCounter<long>("knet_controller_errors_total");
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("knet_controller_reconcile_seconds", "s");

    // Conflicts in a row that pass silently; after that something is wrong that must be seen in the status.
    private const int SilentConflicts = 5;

    private readonly string _name;
    private readonly IReconciler<TResource, TStatus> _reconciler;
    private readonly ControllerOptions _options;
    private readonly ControllerHost _host;
    private readonly ControllerScope _scope;
    private readonly StepExecutor _executor;
    private readonly WorkQueue<ObjectKey> _queue;
    private readonly Informer<TResource> _informer;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _workers = [];
    private IDisposable? _subscription;

    public Controller(
        string name, IReconciler<TResource, TStatus> reconciler, KubeClient client, ControllerOptions options, ControllerHost host)
    {
        (_name, _reconciler, _options, _host) = (name, reconciler, options, host);
        _queue = new WorkQueue<ObjectKey>(host.Time, options.Queue);
        _scope = new ControllerScope(name, host.Informers, host.Config, host.Facts, key => _queue.Add(key));
        _executor = new StepExecutor(name, client, host.Informers);
        _informer = host.Informers.Get<TResource>();
        _logger = host.Loggers.CreateLogger($"Knet.Controllers.{name}");
    }

    public void Declare(InformerFactory informers)
    {
        _scope.Follow<TResource>();
        _options.ReadKinds.ForEach(follow => follow(_scope));
    }

    public void Start()
    {
        _scope.Start();
        _subscription = _informer.Subscribe(change => _queue.Add(change.Key, change.Initial ? WorkPriority.Low : WorkPriority.Normal));
        for (var i = 0; i < _options.Workers; i++)
        {
            _workers.Add(WorkAsync(_stop.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        _scope.Dispose();
        await _stop.CancelAsync();
        await Task.WhenAll(_workers);
        _queue.Dispose();
        _stop.Dispose();
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        // In process most requests complete at once: the start of the controller would wait until its whole first queue is worked off.
        await Task.Yield();
        try
        {
            while (true)
            {
                var key = await _queue.TakeAsync(cancellationToken);
                try
                {
                    await ReconcileAsync(key, cancellationToken);
                }
                catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
                {
                    var wait = _queue.AddRateLimited(key);
                    Errors.Add(1, new KeyValuePair<string, object?>("controller", _name));
                    Log.Crashed(_logger, e, key, wait);
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

    private async Task ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var document = _informer.FindDocument(key);
        if (document is null)
        {
            _scope.Forget(key);
            _executor.Forget(key);
            _queue.Forget(key);
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var resource = document.As<TResource>();
        var plan = Decide(key, resource);
        var (status, failed, error) = (plan.Status, default(PlanStep), default(KubeException));
        foreach (var step in plan.Steps)
        {
            try
            {
                await _executor.ExecuteAsync(step, resource.Metadata, cancellationToken);
            }
            catch (KubeException e)
            {
                if (e.IsConflict && _queue.Failures(key) < SilentConflicts)
                {
                    _queue.AddRateLimited(key);
                    return;
                }

                (failed, error) = (step, e);
                status = plan.OnFailure?.Invoke(step, e) ?? status;
                break;
            }
        }

        var written = status is null || await WriteStatusAsync(key, document, status, cancellationToken);
        Reconciles.Add(1, new KeyValuePair<string, object?>("controller", _name));
        Durations.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("controller", _name));
        Finish(key, resource, plan, written, failed, error);
    }

    private Plan<TStatus> Decide(ObjectKey key, TResource resource)
    {
        var view = new ReconcileView(_scope, key, _host.Time.GetUtcNow());
        var plan = _reconciler.Reconcile(resource, view);
        foreach (var step in plan.Steps)
        {
            view.NoteChild(step);
        }

        view.Commit();
        return plan;
    }

    private void Finish(ObjectKey key, TResource resource, Plan<TStatus> plan, bool written, PlanStep? failed, KubeException? error)
    {
        foreach (var happened in error is null ? plan.Events : [])
        {
            _host.Events.Record(_name, resource, happened);
        }

        if (error is not null)
        {
            var wait = _queue.AddRateLimited(key);
            Errors.Add(1, new KeyValuePair<string, object?>("controller", _name));
            Log.StepFailed(_logger, key, failed!.GetType().Name, failed.Type, failed.Key, error.Reason, error.Message, wait);
            if (_options.FailureEvent(failed, error) is { } failure)
            {
                _host.Events.Record(_name, resource, failure);
            }
        }
        else if (!written)
        {
            _queue.AddRateLimited(key);
        }
        else
        {
            _queue.Forget(key);
            if (plan.RequeueAfter is { } after)
            {
                _queue.AddAfter(key, after);
            }
        }
    }

    /// <summary>False when somebody else was faster: the key comes again.</summary>
    private async Task<bool> WriteStatusAsync(ObjectKey key, KubeDocument seen, TStatus status, CancellationToken cancellationToken)
    {
        var wanted = KubeJson.Serialize(status);
        if (SameStatus(seen.Member("status"u8), wanted))
        {
            return true;
        }

        // Our own steps (a finalizer, say) may have made a newer version, which the cache knows already.
        var newest = _informer.FindDocument(key);
        if (newest is null || newest.Metadata.Uid != seen.Metadata.Uid)
        {
            return true;
        }

        if (newest != seen && !SameStatus(newest.Member("status"u8), seen.Member("status"u8)))
        {
            return false;
        }

        var root = JsonNode.Parse(newest.Json.Span)!.AsObject();
        root["status"] = JsonNode.Parse(wanted);
        try
        {
            await _executor.WriteStatusAsync(_informer.Type, key, KubeJson.Serialize(root), cancellationToken);
            return true;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return true;
        }
        catch (KubeException e) when (e.IsConflict)
        {
            return false;
        }
        catch (KubeException e)
        {
            Errors.Add(1, new KeyValuePair<string, object?>("controller", _name));
            Log.StatusFailed(_logger, key, e.Reason, e.Message);
            return false;
        }
    }

    // Most reconciles change nothing, and then the bytes are equal: nothing is parsed.
    private static bool SameStatus(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other)
    {
        if (one.Span.SequenceEqual(other.Span))
        {
            return true;
        }

        var (a, b) = (one.IsEmpty ? null : JsonNode.Parse(one.Span), other.IsEmpty ? null : JsonNode.Parse(other.Span));
        return JsonNode.DeepEquals(a, b) || (a is null or JsonObject { Count: 0 } && b is null or JsonObject { Count: 0 });
    }

    private static partial class Log
    {
        [LoggerMessage(1101, LogLevel.Warning, "{Key}: {Step} of {Type} {Child} failed ({Reason}): {Error}; again in {Wait}")]
        public static partial void StepFailed(
            ILogger logger, ObjectKey key, string step, ResourceType type, ObjectKey child, string reason, string error, TimeSpan wait);

        [LoggerMessage(1102, LogLevel.Error, "{Key}: unexpected failure; again in {Wait}")]
        public static partial void Crashed(ILogger logger, Exception e, ObjectKey key, TimeSpan wait);

        [LoggerMessage(1103, LogLevel.Warning, "{Key}: the status could not be written ({Reason}): {Error}")]
        public static partial void StatusFailed(ILogger logger, ObjectKey key, string reason, string error);
    }
}
