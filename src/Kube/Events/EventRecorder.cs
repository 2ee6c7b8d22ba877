using System.Globalization;
using System.Threading.Channels;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Events;

/// <summary>Limits of an <see cref="EventRecorder"/>; the defaults are client-go's.</summary>
public sealed record EventRecorderOptions
{
    /// <summary>Events about one object by one component that pass at once. Default 25.</summary>
    public int Burst { get; init; } = 25;

    /// <summary>After the burst, one more each. Default 5 minutes.</summary>
    public TimeSpan Refill { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Different Events remembered for counting. Default 4,096.</summary>
    public int Remembered { get; init; } = 4096;

    /// <summary>Events waiting to be written; more are dropped, the newest first. Default 1,000.</summary>
    public int Waiting { get; init; } = 1000;
}

/// <summary>Writes core/v1 Events: the same one again raises <c>count</c> and <c>lastTimestamp</c> of the first.</summary>
public sealed partial class EventRecorder : IAsyncDisposable
{
    private readonly KubeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EventRecorderOptions _options;
    private readonly Channel<Pending> _pending;
    private readonly Dictionary<Identity, Written> _written = [];
    private readonly Dictionary<(string Component, string Uid), Bucket> _buckets = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _stamp;

    public EventRecorder(KubeClient client, TimeProvider time, ILogger logger, EventRecorderOptions? options = null)
    {
        (_client, _time, _logger, _options) = (client, time, logger, options ?? new EventRecorderOptions());
        _pending = Channel.CreateBounded<Pending>(
            new BoundedChannelOptions(_options.Waiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
        _loop = WriteAllAsync(_stop.Token);
    }

    /// <summary>Records an Event; it is written later, and perhaps never. Never blocks.</summary>
    /// <param name="component">Who saw it, such as <c>deployment-controller</c>.</param>
    /// <param name="fieldPath">The part of the object that it is about, such as <c>spec.containers{web}</c>.</param>
    /// <param name="host">The node on which the component runs, for those that run on each.</param>
    public void Record(string component, IKubernetesObject<V1ObjectMeta> about, PlanEvent what, string? fieldPath = null, string host = "")
    {
        var reference = new V1ObjectReference
        {
            ApiVersion = about.ApiVersion,
            Kind = about.Kind,
            NamespaceProperty = about.Metadata.NamespaceProperty,
            Name = about.Metadata.Name,
            Uid = about.Metadata.Uid,
            ResourceVersion = about.Metadata.ResourceVersion,
            FieldPath = fieldPath,
        };
        _pending.Writer.TryWrite(new Pending(component, host, reference, what, _time.GetUtcNow().UtcDateTime));
    }

    public async ValueTask DisposeAsync()
    {
        _pending.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await _pending.Reader.WaitToReadAsync(cancellationToken))
            {
                while (_pending.Reader.TryRead(out var pending))
                {
                    await WriteAsync(pending, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The recorder stops.
        }
    }

    private async Task WriteAsync(Pending pending, CancellationToken cancellationToken)
    {
        if (!MayPass(pending))
        {
            return;
        }

        var identity = new Identity(pending.Component, pending.About.Kind, pending.About.Uid ?? "", pending.About.FieldPath, pending.What);
        try
        {
            if (_written.TryGetValue(identity, out var known) && await RaiseAsync(known, pending, cancellationToken))
            {
                _written[identity] = known with { Count = known.Count + 1 };
                return;
            }

            if (_written.Count >= _options.Remembered)
            {
                _written.Clear();
                _buckets.Clear();
            }

            _written[identity] = await CreateAsync(pending, cancellationToken);
        }
        catch (KubeException e)
        {
            // An Event in a namespace that is going away, for instance: it is news, not state.
            Log.NotWritten(_logger, pending.About.Kind, pending.About.Name, pending.What.Reason, e.Message);
        }
    }

    private async Task<bool> RaiseAsync(Written known, Pending pending, CancellationToken cancellationToken)
    {
        var time = pending.At.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var patch = System.Text.Encoding.UTF8.GetBytes($$"""{"count":{{known.Count + 1}},"lastTimestamp":"{{time}}"}""");
        try
        {
            await _client.PatchAsync<Corev1Event>(known.Key.Namespace, known.Key.Name, PatchKind.Merge, patch, cancellationToken);
            return true;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private async Task<Written> CreateAsync(Pending pending, CancellationToken cancellationToken)
    {
        var ns = string.IsNullOrEmpty(pending.About.NamespaceProperty) ? "default" : pending.About.NamespaceProperty;

        // Two Events in one tick must not have one name.
        _stamp = Math.Max(_stamp + 1, _time.GetUtcNow().Ticks);
        var name = $"{pending.About.Name}.{_stamp:x}";
        var at = new DateTime(pending.At.Ticks - (pending.At.Ticks % TimeSpan.TicksPerSecond), DateTimeKind.Utc);
        await _client.CreateAsync(
            new Corev1Event
            {
                ApiVersion = "v1",
                Kind = "Event",
                Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = name },
                InvolvedObject = pending.About,
                Type = pending.What.Type,
                Reason = pending.What.Reason,
                Message = pending.What.Message,
                Source = new V1EventSource { Component = pending.Component, Host = pending.Host.Length > 0 ? pending.Host : null },
                ReportingComponent = pending.Component,
                ReportingInstance = pending.Host,
                FirstTimestamp = at,
                LastTimestamp = at,
                Count = 1,
            }, cancellationToken);
        return new Written(new ObjectKey(ns, name), 1);
    }

    private bool MayPass(Pending pending)
    {
        var key = (pending.Component, pending.About.Uid ?? pending.About.Name ?? "");
        var now = _time.GetUtcNow();
        var bucket = _buckets.GetValueOrDefault(key) ?? new Bucket(_options.Burst, now);
        var tokens = Math.Min(_options.Burst, bucket.Tokens + ((now - bucket.At) / _options.Refill));
        var passes = tokens >= 1;
        _buckets[key] = new Bucket(passes ? tokens - 1 : tokens, now);
        return passes;
    }

    private sealed record Pending(string Component, string Host, V1ObjectReference About, PlanEvent What, DateTime At);

    private sealed record Identity(string Component, string Kind, string Uid, string? FieldPath, PlanEvent What);

    private sealed record Written(ObjectKey Key, int Count);

    private sealed record Bucket(double Tokens, DateTimeOffset At);

    private static partial class Log
    {
        [LoggerMessage(1201, LogLevel.Debug, "The Event {Reason} about {Kind} {Name} was not written: {Error}")]
        public static partial void NotWritten(ILogger logger, string kind, string name, string reason, string error);
    }
}
