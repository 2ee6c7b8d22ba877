using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Workloads.Events;

/// <summary>
/// Deletes Events that nobody repeated for a while. Looks about ten times per lifetime, so they go a little late, never early.
/// </summary>
internal sealed partial class EventExpiry(KubeClient client, TimeSpan ttl, TimeProvider time, ILogger logger) : IControlLoop
{
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Declare(InformerFactory informers)
    {
        // Events are looked at too seldom to be cached.
    }

    public void Start() => _loop = RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(ttl / 10, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    await ExpireAsync(cancellationToken);
                }
                catch (KubeException e)
                {
                    Log.Failed(logger, e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task ExpireAsync(CancellationToken cancellationToken)
    {
        var oldest = time.GetUtcNow().UtcDateTime - ttl;
        foreach (var old in await client.ListAsync<Corev1Event>("", cancellationToken))
        {
            if ((old.Series?.LastObservedTime ?? old.LastTimestamp ?? old.EventTime ?? old.Metadata.CreationTimestamp) < oldest)
            {
                try
                {
                    await client.DeleteAsync<Corev1Event>(old.Metadata.NamespaceProperty, old.Metadata.Name, cancellationToken);
                }
                catch (KubeException e) when (e.IsNotFound)
                {
                    // It went with its namespace.
                }
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1701, LogLevel.Warning, "Old Events could not be deleted: {Error}")]
        public static partial void Failed(ILogger logger, string error);
    }
}
