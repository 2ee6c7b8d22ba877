using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Volumes;

/// <summary>
/// ConfigMaps and Secrets that pods of this node refer to: read when a pod needs them, watched one by one for as long as a volume shows
/// them. Never a watch of all: the node sees only what it needs.
/// </summary>
internal sealed class WatchedObjects(KubeClient client, TimeProvider time, ILoggerFactory loggers)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ResourceType, ObjectKey), Watched> _watched = [];

    /// <summary>The object as it is now, or null.</summary>
    public Task<T?> GetAsync<T>(string ns, string name) where T : class => client.FindAsync<T>(ns, name, CancellationToken.None);

    /// <summary>Calls back after each change of the object, until disposed. One watch serves all who ask.</summary>
    public IDisposable Watch<T>(string ns, string name, Action changed) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var key = (ResourceType.Of<T>(), new ObjectKey(ns, name));
        lock (_gate)
        {
            if (!_watched.TryGetValue(key, out var watched))
            {
                watched = new Watched();
                _watched[key] = watched;
                var options = new InformerOptions { Namespace = ns, FieldSelector = $"metadata.name={name}" };
                var informer = new Informer<T>(client.Transport, time, loggers.CreateLogger<WatchedObjects>(), options);
                informer.Subscribe(c => Tell(watched, c.Initial));
                watched.Run = informer.RunAsync(watched.Stop.Token);
            }

            watched.Handlers.Add(changed);
            return new Subscription(this, key, watched, changed);
        }
    }

    private void Tell(Watched watched, bool initial)
    {
        if (initial)
        {
            return; // the asker has just read it
        }

        Action[] handlers;
        lock (_gate)
        {
            handlers = [.. watched.Handlers];
        }

        foreach (var handler in handlers)
        {
            handler();
        }
    }

    private void Forget((ResourceType, ObjectKey) key, Watched watched, Action changed)
    {
        lock (_gate)
        {
            watched.Handlers.Remove(changed);
            if (watched.Handlers.Count == 0 && _watched.Remove(key))
            {
                watched.Stop.Cancel();
            }
        }
    }

    private sealed class Watched
    {
        public List<Action> Handlers { get; } = [];
        public CancellationTokenSource Stop { get; } = new();
        public Task Run { get; set; } = Task.CompletedTask;
    }

    private sealed class Subscription(WatchedObjects owner, (ResourceType, ObjectKey) key, Watched watched, Action changed) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                owner.Forget(key, watched, changed);
            }
        }
    }
}
