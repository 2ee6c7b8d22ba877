using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Xunit;
using WatchEventType = Knet.Kube.Client.WatchEventType;

namespace Knet.Tests.Unit.Kube;

/// <summary>The smallest API there can be: objects, one version counter, watches. Failures can be ordered. Nothing is validated.</summary>
internal sealed class FakeTransport : IKubeTransport
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ResourceType Type, ObjectKey Key), KubeDocument> _objects = [];
    private readonly List<(ResourceType Type, Channel<KubeWatchEvent> Channel)> _watches = [];
    private long _version;

    /// <summary>Every write, as <c>VERB plural/name[/subresource]</c>.</summary>
    public List<string> Writes { get; } = [];

    public Func<KubeRequest, KubeException?> Fail { get; set; } = static _ => null;
    public bool RefuseInitialEvents { get; set; }

    /// <summary>Watches are told nothing while false: a cache that lags.</summary>
    public bool Deliver { get; set; } = true;

    public int Lists { get; private set; }

    public static async Task Until(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), "the condition did not come true");
            await Task.Yield();
        }
    }

    public T Put<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        lock (_lock)
        {
            return Store(ResourceType.Of<T>(), JsonNode.Parse(KubeJson.Serialize(value))!.AsObject()).As<T>();
        }
    }

    public T? Find<T>(string ns, string name) where T : class
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault((ResourceType.Of<T>(), new ObjectKey(ns, name)))?.As<T>();
        }
    }

    public List<T> All<T>() where T : class
    {
        lock (_lock)
        {
            return [.. _objects.Where(o => o.Key.Type == ResourceType.Of<T>()).Select(o => o.Value.As<T>())];
        }
    }

    public void Remove<T>(string ns, string name)
    {
        lock (_lock)
        {
            Delete(ResourceType.Of<T>(), new ObjectKey(ns, name));
        }
    }

    /// <summary>Ends all watches, with an error or in the ordinary way.</summary>
    public void EndWatches(KubeException? error)
    {
        lock (_lock)
        {
            _watches.ForEach(w => w.Channel.Writer.TryComplete(error));
            _watches.Clear();
        }
    }

    public List<string> TakeWrites()
    {
        lock (_lock)
        {
            var writes = Writes.ToList();
            Writes.Clear();
            return writes;
        }
    }

    public Task<KubeResult> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (request.Verb != KubeVerb.Get)
            {
                var subresource = request.Subresource.Length > 0 ? "/" + request.Subresource : "";
                var name = request.Name.Length > 0 ? request.Name : new KubeDocument(request.Body).Metadata.Name;
                Writes.Add($"{request.Verb} {request.Type.Plural}/{name}{subresource}");
            }

            if (Fail(request) is { } failure)
            {
                return Task.FromException<KubeResult>(failure);
            }

            try
            {
                return Task.FromResult(new KubeResult(Handle(request), 200, []));
            }
            catch (KubeException e)
            {
                return Task.FromException<KubeResult>(e);
            }
        }
    }

    public Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Lists++;
            return Task.FromResult(new KubeListPage(
                [.. _objects.Where(o => o.Key.Type == request.Type).Select(o => o.Value)], _version.ToString()));
        }
    }

    public async IAsyncEnumerable<KubeWatchEvent> WatchAsync(
        KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (request.SendInitialEvents && RefuseInitialEvents)
        {
            throw KubeException.Of(422, "Invalid", "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled");
        }

        var channel = Channel.CreateUnbounded<KubeWatchEvent>();
        lock (_lock)
        {
            if (request.SendInitialEvents)
            {
                foreach (var document in _objects.Where(o => o.Key.Type == request.Type).Select(o => o.Value))
                {
                    channel.Writer.TryWrite(new KubeWatchEvent(WatchEventType.Added, document));
                }

                channel.Writer.TryWrite(new KubeWatchEvent(WatchEventType.Bookmark, KubeDocument.From(new V1ConfigMap
                {
                    Metadata = new V1ObjectMeta
                    {
                        ResourceVersion = _version.ToString(),
                        Annotations = new Dictionary<string, string> { ["k8s.io/initial-events-end"] = "true" },
                    },
                })));
            }

            _watches.Add((request.Type, channel));
        }

        while (await channel.Reader.WaitToReadAsync(cancellationToken))
        {
            while (channel.Reader.TryRead(out var change))
            {
                yield return change;
            }
        }
    }

    private KubeDocument Handle(KubeRequest request)
    {
        var key = new ObjectKey(request.Namespace, request.Name);
        var known = _objects.GetValueOrDefault((request.Type, key));
        if (request.Verb == KubeVerb.Create && request.Subresource.Length == 0)
        {
            var body = JsonNode.Parse(request.Body.Span)!.AsObject();
            var name = (string?)body["metadata"]!["name"] ?? (string?)body["metadata"]!["generateName"] + (_version + 1).ToString("d5");
            body["metadata"]!["name"] = name;
            return _objects.ContainsKey((request.Type, key with { Name = name }))
                ? throw KubeException.Of(409, "AlreadyExists", $"{request.Type.Plural} \"{name}\" already exists")
                : Store(request.Type, body);
        }

        if (known is null && request.Patch != PatchKind.Apply)
        {
            throw KubeException.Of(404, "NotFound", $"{request.Type.Plural} \"{request.Name}\" not found");
        }

        switch (request.Verb)
        {
            case KubeVerb.Delete:
                Delete(request.Type, key);
                return known!;
            case KubeVerb.Update:
                return Update(request, known!);
            case KubeVerb.Patch:
                var merged = known is null ? [] : JsonNode.Parse(known.Json.Span)!.AsObject();
                Merge(merged, JsonNode.Parse(request.Body.Span)!.AsObject());
                return Store(request.Type, merged);
            default:
                return known!;
        }
    }

    private KubeDocument Update(KubeRequest request, KubeDocument known)
    {
        var body = JsonNode.Parse(request.Body.Span)!.AsObject();
        if ((string?)body["metadata"]!["resourceVersion"] is { } version && version != known.Metadata.ResourceVersion)
        {
            throw KubeException.Of(409, "Conflict", "the object has been modified");
        }

        if (request.Subresource == "status")
        {
            var whole = JsonNode.Parse(known.Json.Span)!.AsObject();
            whole["status"] = body["status"]?.DeepClone();
            body = whole;
        }

        return Store(request.Type, body);
    }

    private KubeDocument Store(ResourceType type, JsonObject body)
    {
        var metadata = body["metadata"]!.AsObject();
        var key = new ObjectKey((string?)metadata["namespace"] ?? "", (string)metadata["name"]!);
        var known = _objects.GetValueOrDefault((type, key));
        body["apiVersion"] = type.ApiVersion;
        body["kind"] = type.Kind;
        metadata["resourceVersion"] = (++_version).ToString();
        metadata["uid"] = known?.Metadata.Uid ?? (string?)metadata["uid"] ?? $"uid-{_version}";
        var document = new KubeDocument(KubeJson.Serialize(body));
        _objects[(type, key)] = document;
        Publish(type, new KubeWatchEvent(known is null ? WatchEventType.Added : WatchEventType.Modified, document));
        return document;
    }

    private void Delete(ResourceType type, ObjectKey key)
    {
        if (_objects.Remove((type, key), out var document))
        {
            var body = JsonNode.Parse(document.Json.Span)!.AsObject();
            body["metadata"]!["resourceVersion"] = (++_version).ToString();
            Publish(type, new KubeWatchEvent(WatchEventType.Deleted, new KubeDocument(KubeJson.Serialize(body))));
        }
    }

    private void Publish(ResourceType type, KubeWatchEvent change)
    {
        foreach (var (watched, channel) in Deliver ? _watches : [])
        {
            if (watched == type)
            {
                channel.Writer.TryWrite(change);
            }
        }
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is JsonObject inner && target[name] is JsonObject old)
            {
                Merge(old, inner);
            }
            else
            {
                target[name] = value?.DeepClone();
            }
        }
    }
}
