using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Config;
using Knet.Kube.Facts;
using Knet.Kube.Informers;

namespace Knet.Kube.Controllers;

/// <summary>What one controller may read, and who of its keys has read what.</summary>
internal sealed class ControllerScope(
    string controller, InformerFactory informers, IConfigSource config, FactSources facts, Action<ObjectKey> wake) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Type, object> _followed = [];
    private readonly Dictionary<ResourceType, Type> _types = [];
    private readonly List<Action> _subscribe = [];
    private readonly List<IDisposable> _subscriptions = [];
    private readonly HashSet<Type> _configs = [];

    public DependencyIndex Dependencies { get; } = new();
    public FactReaders Facts { get; } = new(facts, wake);

    /// <summary>Declares a kind; before the start only.</summary>
    public void Follow<T>() where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (_followed.ContainsKey(typeof(T)))
        {
            return;
        }

        var informer = informers.Get<T>();
        _followed[typeof(T)] = informer;
        _types[informer.Type] = typeof(T);
        _subscribe.Add(() => _subscriptions.Add(informer.Subscribe(OnChange)));
    }

    /// <summary>Begins to wake keys; once the caches are complete.</summary>
    public void Start() => _subscribe.ForEach(subscribe => subscribe());

    public Informer<T> Informer<T>() where T : class, IKubernetesObject<V1ObjectMeta> =>
        _followed.TryGetValue(typeof(T), out var informer)
            ? (Informer<T>)informer
            : throw new InvalidOperationException(
                $"controller {controller} reads {typeof(T).Name}, which it has not declared: add .Reads<{typeof(T).Name}>() where it is registered");

    /// <summary>The model class of a kind that is followed, else null.</summary>
    public Type? FindFollowed(ResourceType type) => _types.GetValueOrDefault(type);

    public TConfig Config<TConfig>() where TConfig : class
    {
        lock (_lock)
        {
            if (_configs.Add(typeof(TConfig)))
            {
                _subscriptions.Add(config.OnChange<TConfig>(_ => Dependencies.Wake(new ReadToken(ReadKind.Config, typeof(TConfig)), wake)));
            }
        }

        return config.Get<TConfig>();
    }

    public void Forget(ObjectKey key)
    {
        Dependencies.Forget(key);
        Facts.Forget(key);
    }

    public void Dispose() => _subscriptions.ForEach(subscription => subscription.Dispose());

    private void OnChange<T>(InformerChange<T> change) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (change.Initial)
        {
            return; // no key has read anything yet
        }

        var type = typeof(T);
        var (ns, name) = (change.Key.Namespace, change.Key.Name);
        Dependencies.Wake(new ReadToken(ReadKind.Object, type, ns, name), wake);
        Dependencies.Wake(new ReadToken(ReadKind.All, type, ns), wake);
        if (ns.Length > 0)
        {
            Dependencies.Wake(new ReadToken(ReadKind.All, type), wake);
        }

        var oldOwner = change.Old is null ? null : ObjectCache.ControllerOf(change.Old.Metadata);
        var newOwner = change.New is null ? null : ObjectCache.ControllerOf(change.New.Metadata);
        WakeOwner(type, oldOwner);
        WakeOwner(type, newOwner == oldOwner ? null : newOwner);
        WakeLabels(type, ns, change.Old?.Metadata.Labels, null);
        WakeLabels(type, ns, change.New?.Metadata.Labels, change.Old?.Metadata.Labels);
    }

    private void WakeOwner(Type type, string? owner)
    {
        if (owner is not null)
        {
            Dependencies.Wake(new ReadToken(ReadKind.Owned, type, "", owner), wake);
        }
    }

    private void WakeLabels(Type type, string ns, IDictionary<string, string>? labels, IDictionary<string, string>? told)
    {
        if (labels is null)
        {
            return;
        }

        foreach (var (label, value) in labels)
        {
            if (told is not null && told.TryGetValue(label, out var same) && same == value)
            {
                continue;
            }

            Dependencies.Wake(new ReadToken(ReadKind.Labelled, type, ns, label, value), wake);
            if (ns.Length > 0)
            {
                Dependencies.Wake(new ReadToken(ReadKind.Labelled, type, "", label, value), wake);
            }
        }
    }
}
