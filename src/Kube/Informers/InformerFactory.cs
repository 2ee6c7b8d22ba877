using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Informers;

/// <summary>The informers of one transport (one identity): one per kind, shared by everybody who asks.</summary>
public sealed class InformerFactory(IKubeTransport transport, TimeProvider time, ILoggerFactory loggers, InformerOptions? options = null)
    : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ResourceType, IInformer> _informers = [];
    private readonly List<Task> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _started;

    /// <summary>The informer of a kind; it runs as soon as the factory is started.</summary>
    public Informer<T> Get<T>() where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<T>();
        lock (_lock)
        {
            if (_informers.TryGetValue(type, out var known))
            {
                return (Informer<T>)known;
            }

            var informer = new Informer<T>(transport, time, loggers.CreateLogger("Knet.Kube.Informers"), options);
            _informers[type] = informer;
            if (_started)
            {
                _running.Add(informer.RunAsync(_stop.Token));
            }

            return informer;
        }
    }

    /// <summary>The informer of a kind if somebody asked for it, else null.</summary>
    public IInformer? Find(ResourceType type)
    {
        lock (_lock)
        {
            return _informers.GetValueOrDefault(type);
        }
    }

    public void Start()
    {
        lock (_lock)
        {
            if (!_started)
            {
                _started = true;
                _running.AddRange(_informers.Values.Select(i => i.RunAsync(_stop.Token)));
            }
        }
    }

    /// <summary>Waits until the first list of every informer asked for so far is complete.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.WhenAll(_informers.Values.Select(i => i.WaitForSyncAsync(cancellationToken)).ToArray());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running);
        _stop.Dispose();
    }
}
