using k8s;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Events;
using Knet.Kube.Facts;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Controllers;

/// <summary>
/// Runs controllers over shared caches. Reading goes through one identity (the informers'), writing through each controller's own client.
/// </summary>
/// <example><code>
/// var host = new ControllerHost(informers, config, events, TimeProvider.System, loggers);
/// host.Facts.Add(imageDigests);
/// host.Add("revision", new RevisionReconciler(), client).Reads&lt;V1Deployment&gt;().Reads&lt;KnPodAutoscaler&gt;();
/// await host.StartAsync(stop);
/// </code></example>
public sealed class ControllerHost(
    InformerFactory informers, IConfigSource config, EventRecorder events, TimeProvider time, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly List<Func<IControlLoop>> _registered = [];
    private readonly List<IControlLoop> _running = [];

    public InformerFactory Informers { get; } = informers;
    public IConfigSource Config { get; } = config;
    public EventRecorder Events { get; } = events;
    public TimeProvider Time { get; } = time;
    public ILoggerFactory Loggers { get; } = loggers;

    /// <summary>Where sources of facts are registered, before the start.</summary>
    public FactSources Facts { get; } = new();

    /// <summary>Registers a controller, before the start. The options returned may be set further until then.</summary>
    /// <param name="name">In logs, metrics and as the Events' component; such as <c>revision-controller</c>.</param>
    public ControllerOptions Add<TResource, TStatus>(
        string name, IReconciler<TResource, TStatus> reconciler, KubeClient client, Action<ControllerOptions>? configure = null)
        where TResource : class, IKubernetesObject<V1ObjectMeta>
        where TStatus : class
    {
        var options = new ControllerOptions();
        configure?.Invoke(options);
        _registered.Add(() => new Controller<TResource, TStatus>(name, reconciler, client, options, this));
        return options;
    }

    /// <summary>Registers a loop that is no reconciler, before the start; the host disposes it.</summary>
    public void Add(IControlLoop loop) => _registered.Add(() => loop);

    /// <summary>Starts the informers, waits until every kind read is complete, then lets the workers run.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var loops = _registered.ConvertAll(make => make());
        _registered.Clear();
        loops.ForEach(loop => loop.Declare(Informers));
        _running.AddRange(loops);
        Informers.Start();
        await Informers.WaitForSyncAsync(cancellationToken);
        loops.ForEach(loop => loop.Start());
    }

    /// <summary>Stops the workers; the informers belong to their factory.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var loop in _running)
        {
            await loop.DisposeAsync();
        }

        _running.Clear();
    }
}
