using System.Globalization;
using System.Text.Json;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;
using WatchEventType = Knet.Kube.Client.WatchEventType;

namespace Knet.Kube.Informers;

/// <summary>One change in an informer's cache: appeared (no old), changed, or gone (no new).</summary>
/// <param name="Initial">It stands in the first list, or was there already when the handler was added.</param>
public readonly record struct InformerChange<T>(ObjectKey Key, T? Old, T? New, bool Initial) where T : class;

/// <summary>An informer of whatever kind: what the executor needs to look at children and to show the cache its own writes.</summary>
public interface IInformer
{
    ResourceType Type { get; }

    /// <summary>The first list is complete.</summary>
    bool HasSynced { get; }

    Task WaitForSyncAsync(CancellationToken cancellationToken);

    KubeDocument? FindDocument(ObjectKey key);

    /// <summary>
    /// The answer to a write of our own, so that the cache never lags behind what this process did. Ignored when the watch has come
    /// further already.
    /// </summary>
    void Offer(KubeDocument document);

    /// <summary>Follows the kind until cancelled.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A cache of all objects of a kind, kept current by a watch, telling handlers of every change.</summary>
/// <remarks>
/// Handlers are called one change after the other, after the cache has it, from the informer's loop or from <see cref="Offer"/>: they must
/// be quick and must not throw. Objects are shared: never change one.
/// </remarks>
public sealed partial class Informer<T> : IInformer, IWatchSink where T : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _dispatch = new();
    private readonly ObjectCache _cache = new();
    private readonly WatchMachine _machine;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<InformerChange<T>>[] _handlers = [];
    private ulong _watched;

    public Informer(IKubeTransport transport, TimeProvider time, ILogger logger, InformerOptions? options = null)
    {
        _logger = logger;
        _machine = new WatchMachine(transport, Type, options ?? new InformerOptions(), this, time, logger);
    }

    public ResourceType Type { get; } = ResourceType.Of<T>();
    public bool HasSynced => _synced.Task.IsCompleted;
    public int Count => _cache.Count;

    public Task WaitForSyncAsync(CancellationToken cancellationToken) => _synced.Task.WaitAsync(cancellationToken);

    public Task RunAsync(CancellationToken cancellationToken) => _machine.RunAsync(cancellationToken);

    public T? Find(string ns, string name) => _cache.Find(new ObjectKey(ns, name))?.As<T>();

    public KubeDocument? FindDocument(ObjectKey key) => _cache.Find(key);

    public T? FindByUid(string uid) => _cache.FindByUid(uid)?.As<T>();

    /// <summary>The objects of a namespace (empty: of all), by namespace and name.</summary>
    public IReadOnlyList<T> List(string ns = "") => Decode(_cache.List(ns));

    /// <summary>The objects that the owner with this uid controls, by namespace and name.</summary>
    public IReadOnlyList<T> Owned(string ownerUid) => Decode(_cache.Owned(ownerUid));

    /// <summary>The objects of a namespace (empty: of all) with this label value, by namespace and name.</summary>
    public IReadOnlyList<T> Labelled(string ns, string label, string value) => Decode(_cache.Labelled(ns, label, value));

    /// <summary>Adds a handler; it is first told of everything already there (as initial), then of every change, missing none.</summary>
    /// <returns>Dispose it to remove the handler.</returns>
    public IDisposable Subscribe(Action<InformerChange<T>> handler)
    {
        lock (_dispatch)
        {
            foreach (var document in _cache.List(""))
            {
                handler(new InformerChange<T>(document.Key, null, document.As<T>(), Initial: true));
            }

            _handlers = [.. _handlers, handler];
        }

        return new Subscription(this, handler);
    }

    public void Offer(KubeDocument document)
    {
        lock (_dispatch)
        {
            if (!HasSynced || VersionOf(document) is var version && version <= _watched || TryDecode(document) is not { } value
                || value.Kind != Type.Kind || value.ApiVersion != Type.ApiVersion)
            {
                return;
            }

            if (_cache.Find(document.Key) is not { } known || VersionOf(known) < version)
            {
                Put(document, initial: false);
            }
        }
    }

    void IWatchSink.Replace(IReadOnlyCollection<KubeDocument> documents, string resourceVersion)
    {
        lock (_dispatch)
        {
            var listed = ParseVersion(resourceVersion);
            var fresh = new Dictionary<ObjectKey, KubeDocument>(documents.Count);
            foreach (var document in documents)
            {
                if (TryDecode(document) is not null)
                {
                    fresh[document.Key] = document;
                }
            }

            // What was offered after the list was made is newer than the list.
            foreach (var known in _cache.List(""))
            {
                if (listed > 0 && VersionOf(known) > listed)
                {
                    fresh[known.Key] = known;
                }
            }

            _watched = listed;
            var initial = !HasSynced;
            var old = _cache.Replace(fresh.Values);
            TellDifferences(old, fresh, initial);
            _synced.TrySetResult();
        }
    }

    void IWatchSink.Apply(KubeWatchEvent change)
    {
        lock (_dispatch)
        {
            var version = VersionOf(change.Document);
            _watched = Math.Max(_watched, version);
            if (change.Type == WatchEventType.Bookmark)
            {
                return;
            }

            var known = _cache.Find(change.Document.Key);
            if (known is not null && version > 0 && VersionOf(known) is var have
                && (have > version || (have == version && change.Type != WatchEventType.Deleted)))
            {
                return;
            }

            if (change.Type == WatchEventType.Deleted)
            {
                Drop(change.Document.Key, known);
            }
            else if (TryDecode(change.Document) is not null)
            {
                Put(change.Document, initial: false);
            }
        }
    }

    private static ulong VersionOf(KubeDocument document) => ParseVersion(document.Metadata.ResourceVersion);

    private static ulong ParseVersion(string? version) =>
        ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static T[] Decode(List<KubeDocument> documents)
    {
        var values = new T[documents.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = documents[i].As<T>();
        }

        return values;
    }

    private void TellDifferences(IReadOnlyDictionary<ObjectKey, KubeDocument> old, Dictionary<ObjectKey, KubeDocument> fresh, bool initial)
    {
        foreach (var (key, document) in old)
        {
            if (!fresh.ContainsKey(key))
            {
                Tell(new InformerChange<T>(key, document.As<T>(), null, Initial: false));
            }
        }

        foreach (var (key, document) in fresh)
        {
            var before = old.GetValueOrDefault(key);
            if (before is null || before.Metadata.ResourceVersion != document.Metadata.ResourceVersion
                || before.Metadata.Uid != document.Metadata.Uid)
            {
                Tell(new InformerChange<T>(key, before?.As<T>(), document.As<T>(), initial));
            }
        }
    }

    private void Put(KubeDocument document, bool initial)
    {
        var known = _cache.Find(document.Key);
        if (known is not null && known.Metadata.Uid != document.Metadata.Uid)
        {
            Drop(document.Key, known);
            known = null;
        }

        _cache.Set(document);
        Tell(new InformerChange<T>(document.Key, known?.As<T>(), document.As<T>(), initial));
    }

    private void Drop(ObjectKey key, KubeDocument? known)
    {
        if (known is not null)
        {
            _cache.Remove(key);
            Tell(new InformerChange<T>(key, known.As<T>(), null, Initial: false));
        }
    }

    private void Tell(InformerChange<T> change)
    {
        foreach (var handler in _handlers)
        {
            handler(change);
        }
    }

    // An object that does not fit its type must not stop the informer: it is as if it were not there.
    private T? TryDecode(KubeDocument document)
    {
        try
        {
            return document.As<T>();
        }
        catch (JsonException e)
        {
            Log.Undecodable(_logger, Type, document.Key, e.Message);
            return null;
        }
    }

    private sealed class Subscription(Informer<T> informer, Action<InformerChange<T>> handler) : IDisposable
    {
        public void Dispose()
        {
            lock (informer._dispatch)
            {
                informer._handlers = [.. informer._handlers.Where(h => h != handler)];
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1002, LogLevel.Error, "{Type} {Key} does not fit its type and is left out: {Error}")]
        public static partial void Undecodable(ILogger logger, ResourceType type, ObjectKey key, string error);
    }
}
