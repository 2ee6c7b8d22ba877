using System.Net;
using k8s.Models;
using Knet.Node.Pods;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Probes;

/// <summary>The startup, readiness and liveness probes of one run of a container, by kubelet's timing rules.</summary>
internal sealed partial class ContainerProbes : IAsyncDisposable
{
    private readonly PodContext _pod;
    private readonly ContainerSlot _slot;
    private readonly ContainerRun _run;
    private readonly ContainerProbe _probe;
    private readonly Action<string, long?> _kill;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _all;
    private readonly ILogger _logger;

    /// <param name="kill">Called once when the container must be restarted: Event text, and the probe's own grace period.</param>
    public ContainerProbes(PodContext pod, ContainerSlot slot, ContainerRun run, bool ready, Action<string, long?> kill)
    {
        (_pod, _slot, _run, _kill) = (pod, slot, run, kill);
        _logger = pod.Node.Loggers.CreateLogger<ContainerProbes>();
        _probe = new ContainerProbe(pod, slot.Container);
        _all = RunAsync(ready, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _all;
        _stop.Dispose();
    }

    private async Task RunAsync(bool ready, CancellationToken cancellationToken)
    {
        var container = _slot.Container;
        try
        {
            if (container.StartupProbe is { } startup && !ready)
            {
                await LoopAsync(
                    "Startup", startup, false, holds => holds ? Started() : Kill("startup", startup), untilSuccess: true, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }
            else
            {
                Started();
            }

            var readiness = container.ReadinessProbe is { } r
                ? LoopAsync("Readiness", r, ready, holds => SetReady(holds), untilSuccess: false, cancellationToken)
                : Task.CompletedTask;
            var liveness = container.LivenessProbe is { } l
                ? LoopAsync("Liveness", l, true, holds => holds || Kill("liveness", l), untilSuccess: false, cancellationToken)
                : Task.CompletedTask;
            await Task.WhenAll(readiness, liveness);
        }
        catch (OperationCanceledException)
        {
            Log.Ended(_logger, _run.Name);
        }
    }

    /// <param name="decided">Told of each result that reached its threshold; false ends the loop.</param>
    private async Task LoopAsync(
        string kind, V1Probe probe, bool initially, Func<bool, bool> decided, bool untilSuccess, CancellationToken cancellationToken)
    {
        var timing = new ProbeTiming(probe, initially);
        var address = IPAddress.Parse(_pod.Sandbox!.Ip);
        var due = timing.InitialDelay - (_pod.Node.Now.UtcDateTime - _run.StartedAt); // counted from the program's start
        await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero, _pod.Node.Time, cancellationToken);
        while (true)
        {
            var result = await _probe.AskAsync(probe, _run, address, timing.Timeout, cancellationToken);
            if (!result.Success)
            {
                _pod.Event("Warning", "Unhealthy", $"{kind} probe failed: {result.Output}", _slot);
            }
            else if (result.Warning)
            {
                _pod.Event("Warning", "ProbeWarning", $"{kind} probe warning: {result.Output}", _slot);
            }

            if (timing.Count(result.Success) && (!decided(timing.Holds) || (untilSuccess && timing.Holds)))
            {
                return;
            }

            await Task.Delay(timing.Period, _pod.Node.Time, cancellationToken);
        }
    }

    private bool Started()
    {
        _pod.Change(() =>
        {
            _slot.Started = true;
            _slot.Ready |= _slot.Container.ReadinessProbe is null;
        });
        return true;
    }

    private bool SetReady(bool ready)
    {
        if (_slot.Ready != ready)
        {
            _pod.Change(() => _slot.Ready = ready);
        }

        return true;
    }

    private bool Kill(string kind, V1Probe probe)
    {
        if (_pod.Node.IsDetached)
        {
            return false; // this daemon is leaving: what it can no longer reach is not therefore ill
        }

        _kill($"Container {_slot.Name} failed {kind} probe, will be restarted", probe.TerminationGracePeriodSeconds);
        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(3513, LogLevel.Trace, "the probes of {Container} ended with it")]
        public static partial void Ended(ILogger logger, string container);
    }
}
