using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Metrics;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Knet.Kube.WorkQueue;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>
/// Scales what HorizontalPodAutoscalers point at: every kind with a <c>/scale</c> subresource, by processor and memory use of its pods.
/// </summary>
/// <remarks>No reconciler: what it decides by are measurements, which nobody announces; it looks every 15 seconds, as Kubernetes.</remarks>
/// <param name="kinds">All kinds served now.</param>
internal sealed partial class HorizontalAutoscaler(
    KubeClient client, Func<KindCatalog> kinds, EventRecorder events, TimeProvider time, ILogger logger) : IControlLoop
{
    public const string Name = "horizontal-pod-autoscaler";
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);
    private static readonly ResourceType PodMetrics = MetricsApi.Kinds.Single(k => k.Type.Namespaced).Type;

    private readonly WorkQueue<ObjectKey> _queue = new(time, new WorkQueueOptions { BackoffMax = Period });
    private readonly Dictionary<ObjectKey, (string Uid, ScalingMemory Memory)> _memories = [];
    private readonly CancellationTokenSource _stop = new();
    private Informer<V2HorizontalPodAutoscaler> _autoscalers = null!;
    private IDisposable? _subscription;
    private Task _loop = Task.CompletedTask;

    public void Declare(InformerFactory informers) => _autoscalers = informers.Get<V2HorizontalPodAutoscaler>();

    public void Start()
    {
        _subscription = _autoscalers.Subscribe(change =>
        {
            if (change.New is { } now && (change.Old is null || !SameSpec(change.Old, now)))
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

    private static bool SameSpec(V2HorizontalPodAutoscaler one, V2HorizontalPodAutoscaler other) =>
        KubeJson.Serialize(one.Spec).AsSpan().SequenceEqual(KubeJson.Serialize(other.Spec));

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var key = await _queue.TakeAsync(cancellationToken);
                try
                {
                    await LookAsync(key, cancellationToken);
                    _queue.Forget(key);
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

    private async Task LookAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_autoscalers.Find(key.Namespace, key.Name) is not { Metadata.DeletionTimestamp: null } autoscaler)
        {
            _memories.Remove(key);
            return;
        }

        if (!_memories.TryGetValue(key, out var known) || known.Uid != autoscaler.Metadata.Uid)
        {
            _memories[key] = known = (autoscaler.Metadata.Uid, new ScalingMemory());
        }

        var now = time.GetUtcNow();
        var round = new AutoscalerRound(autoscaler, known.Memory, now);
        await ScaleAsync(autoscaler, round, known.Memory, now, cancellationToken);
        round.Events.ForEach(e => events.Record(Name, autoscaler, e));
        await WriteStatusAsync(autoscaler, round.Status.Build(), cancellationToken);
        _queue.AddAfter(key, Period);
    }

    private async Task ScaleAsync(
        V2HorizontalPodAutoscaler autoscaler, AutoscalerRound round, ScalingMemory memory, DateTimeOffset now, CancellationToken cancellationToken)
    {
        KubeRequest request;
        V1Scale scale;
        try
        {
            request = new KubeRequest(KubeVerb.Get, TargetOf(autoscaler.Spec.ScaleTargetRef))
            {
                Namespace = autoscaler.Metadata.NamespaceProperty, Name = autoscaler.Spec.ScaleTargetRef.Name, Subresource = "scale",
            };
            scale = (await client.Transport.SendAsync(request, cancellationToken)).Document.As<V1Scale>();
        }
        catch (KubeException e)
        {
            round.Status.Set("AbleToScale", false, "FailedGetScale", $"the HPA controller was unable to get the target's current scale: {e.Message}");
            round.Events.Add(new PlanEvent("Warning", "FailedGetScale", e.Message));
            return;
        }

        var seen = await SeeAsync(autoscaler.Metadata.NamespaceProperty, scale, now, cancellationToken);
        if (round.Decide(seen) is not { } wanted)
        {
            return;
        }

        try
        {
            var body = new V1Scale
            {
                ApiVersion = "autoscaling/v1", Kind = "Scale", Metadata = scale.Metadata, Spec = new V1ScaleSpec { Replicas = wanted },
            };
            await client.Transport.SendAsync(
                request with { Verb = KubeVerb.Update, Body = KubeJson.Serialize(body), FieldManager = client.FieldManager }, cancellationToken);
        }
        catch (KubeException e)
        {
            round.Status.Set("AbleToScale", false, "FailedUpdateScale", $"the HPA controller was unable to update the target scale: {e.Message}");
            round.Events.Add(new PlanEvent("Warning", "FailedRescale", $"New size: {wanted}; reason: {round.Reason}; error: {e.Message}"));
            return;
        }

        memory.Changed(now, wanted - seen.Replicas);
        round.Status.LastScale = new DateTime(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc);
        round.Status.Set("AbleToScale", true, "SucceededRescale", $"the HPA controller was able to update the target scale to {wanted}");
        round.Events.Add(new PlanEvent("Normal", "SuccessfulRescale", $"New size: {wanted}; reason: {round.Reason}"));
    }

    /// <exception cref="KubeException">404: no such kind, or it cannot be scaled.</exception>
    private ResourceType TargetOf(V2CrossVersionObjectReference target)
    {
        var apiVersion = target.ApiVersion ?? "v1";
        var (group, version) = apiVersion.Split('/') is [var g, var v] ? (g, v) : ("", apiVersion);
        var found = kinds().All.Where(k => k.Type.Group == group && k.Type.Kind == target.Kind && k.Scale is not null).ToList();
        return (found.Find(k => k.Type.Version == version) ?? found.FirstOrDefault())?.Type ?? throw KubeException.Of(
            404, "NotFound", $"no matches for kind \"{target.Kind}\" in group \"{group}\"");
    }

    private async Task<ScaleSeen> SeeAsync(string ns, V1Scale scale, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (replicas, selector) = (scale.Spec?.Replicas ?? 0, scale.Status?.Selector ?? "");
        if (selector.Length == 0)
        {
            return new(replicas, false, new PodMeasurements([], new Dictionary<string, PodMeasurement>(), now), null);
        }

        var pods = await client.ListAsync<V1Pod>(ns, cancellationToken, selector);
        try
        {
            var page = await client.Transport.ListAsync(
                new KubeRequest(KubeVerb.List, PodMetrics) { Namespace = ns, LabelSelector = selector }, cancellationToken);
            var measured = page.Items.ToDictionary(d => d.Metadata.Name, Read);
            return new(replicas, true, new PodMeasurements(pods, measured, now), null);
        }
        catch (KubeException e)
        {
            return new(replicas, true, new PodMeasurements(pods, new Dictionary<string, PodMeasurement>(), now),
                $"unable to fetch metrics from resource metrics API: {e.Message}");
        }
    }

    private static PodMeasurement Read(KubeDocument document)
    {
        using var json = JsonDocument.Parse(document.Json);
        var values = new Dictionary<(string, string), decimal>();
        foreach (var container in json.RootElement.GetProperty("containers").EnumerateArray())
        {
            foreach (var usage in container.GetProperty("usage").EnumerateObject())
            {
                values[(container.GetProperty("name").GetString()!, usage.Name)] = new ResourceQuantity(usage.Value.GetString()).ToDecimal() * 1000;
            }
        }

        var window = decimal.Parse(json.RootElement.GetProperty("window").GetString()!.TrimEnd('s'), CultureInfo.InvariantCulture);
        return new(json.RootElement.GetProperty("timestamp").GetDateTime().ToUniversalTime(), TimeSpan.FromSeconds((double)window), values);
    }

    private async Task WriteStatusAsync(
        V2HorizontalPodAutoscaler autoscaler, V2HorizontalPodAutoscalerStatus status, CancellationToken cancellationToken)
    {
        var (before, wanted) = (autoscaler.Status is null ? null : JsonNode.Parse(KubeJson.Serialize(autoscaler.Status)),
            JsonNode.Parse(KubeJson.Serialize(status)));
        if (JsonNode.DeepEquals(before, wanted))
        {
            return;
        }

        try
        {
            var written = await client.UpdateStatusAsync(autoscaler with { Status = status }, cancellationToken);
            _autoscalers.Offer(KubeDocument.From(written));
        }
        catch (KubeException e) when (e.IsConflict || e.IsNotFound)
        {
            // Its specification was just changed, which brings us back at once, or it is gone.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1801, LogLevel.Warning, "{Key} could not be looked at: {Error}")]
        public static partial void Failed(ILogger logger, ObjectKey key, string error);
    }
}
