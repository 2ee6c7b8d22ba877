using System.Diagnostics;
using System.Net;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Node.Probes;

namespace Knet.Node.Pods;

/// <summary>
/// Stands for a Revision's queue-proxy container, which is not run: its ports are the daemon's, and its readiness is the user's readiness
/// probe (SERVING_READINESS_PROBE), asked on 127.0.0.1 inside the pod. With periodSeconds 0 it asks as fast as is sensible from the moment
/// the program was started, so that a cold start ends with the first accepted connection.
/// </summary>
internal sealed class QueueProxyLoop(PodContext pod, ContainerSlot slot, CancellationToken stopping)
{
    public const string ContainerName = "queue-proxy";
    public const string RevisionLabel = "serving.knative.dev/revision";
    private static readonly TimeSpan EagerTimeout = TimeSpan.FromSeconds(1);

    public async Task RunAsync()
    {
        try
        {
            var probes = ReadProbes();
            await pod.FirstStart.Task.WaitAsync(stopping);
            pod.Change(() =>
            {
                slot.State = new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = pod.Node.NowSeconds } };
                slot.Started = true;
            });
            while (true)
            {
                await UntilAsync(UsersRun);
                if (!slot.Ready) // it is, when the daemon was restarted under a ready pod
                {
                    await BecomeReadyAsync(probes);
                    SetReady(true);
                }

                await StayReadyAsync(probes);
                SetReady(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            var now = pod.Node.NowSeconds;
            pod.Change(() =>
            {
                slot.Ready = slot.Started = false;
                slot.State = new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = 0, Reason = "Completed", StartedAt = slot.State.Running?.StartedAt ?? now, FinishedAt = now,
                    },
                };
            });
        }
    }

    /// <summary>The probe or, with multi-container probing, the list of probes, as Knative writes them; the port may be left out.</summary>
    internal static IReadOnlyList<V1Probe> Parse(string? json, int userPort)
    {
        if (string.IsNullOrWhiteSpace(json))
        {
            return [new V1Probe { TcpSocket = new V1TCPSocketAction { Port = userPort.ToString() }, PeriodSeconds = 0 }];
        }

        var bytes = System.Text.Encoding.UTF8.GetBytes(json);
        var probes = json.AsSpan().TrimStart()[0] == '['
            ? KubeJson.Deserialize<List<V1Probe>>(bytes)
            : [KubeJson.Deserialize<V1Probe>(bytes)];
        return [.. probes.Select(p => WithPort(p, userPort))];
    }

    private static V1Probe WithPort(V1Probe probe, int userPort)
    {
        IntOrString port = userPort.ToString();
        bool Absent(IntOrString? given) => given?.Value is null or "" or "0";
        return probe switch
        {
            { HttpGet: { } get } when Absent(get.Port) => probe with { HttpGet = get with { Port = port } },
            { TcpSocket: { } tcp } when Absent(tcp.Port) => probe with { TcpSocket = tcp with { Port = port } },
            { Grpc: { Port: 0 } grpc } => probe with { Grpc = grpc with { Port = userPort } },
            _ => probe,
        };
    }

    private IReadOnlyList<V1Probe> ReadProbes()
    {
        string? Env(string name) => slot.Container.Env?.FirstOrDefault(e => e.Name == name)?.Value;
        var port = int.TryParse(Env("USER_PORT"), out var number) ? number : 8080;
        try
        {
            return Parse(Env("SERVING_READINESS_PROBE"), port);
        }
        catch (JsonException e)
        {
            var problem = $"SERVING_READINESS_PROBE of container {slot.Name} is no probe, asking TCP port {port}: {e.Message}";
            pod.Event("Warning", "Unhealthy", problem, slot);
            return Parse(null, port);
        }
    }

    private bool UsersRun() => pod.App.Where(s => s.Kind == ContainerKind.App).All(s => s is { IsRunning: true, Run: not null });

    private async Task UntilAsync(Func<bool> condition)
    {
        while (true)
        {
            var change = pod.NextChange();
            if (pod.Read(condition))
            {
                return;
            }

            await change.WaitAsync(stopping);
        }
    }

    private async Task BecomeReadyAsync(IReadOnlyList<V1Probe> probes)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var probe in probes)
        {
            var eager = probe.PeriodSeconds is null or 0;
            var timing = new ProbeTiming(probe, false);
            if (timing.InitialDelay > TimeSpan.Zero)
            {
                await Task.Delay(timing.InitialDelay, pod.Node.Time, stopping);
            }

            while (!timing.Holds)
            {
                var result = await AskAsync(probe, eager ? EagerTimeout : timing.Timeout);
                timing.Count(result.Success);
                if (!result.Success && !eager)
                {
                    pod.Event("Warning", "Unhealthy", $"Readiness probe failed: {result.Output}", slot);
                }

                if (!timing.Holds)
                {
                    var wait = eager ? ProbeTiming.EagerDelay(Stopwatch.GetElapsedTime(started)) : timing.Period;
                    await Task.Delay(wait, pod.Node.Time, stopping);
                }
            }
        }
    }

    /// <summary>Returns when a probe failed as often as it may, or a container of the user's ended.</summary>
    private async Task StayReadyAsync(IReadOnlyList<V1Probe> probes)
    {
        var timings = probes.Select(p => new ProbeTiming(p, true)).ToList();
        var period = timings.Min(t => t.Period);
        while (true)
        {
            var next = Task.Delay(period, pod.Node.Time, stopping);
            while (!next.IsCompleted)
            {
                var change = pod.NextChange();
                if (!pod.Read(UsersRun))
                {
                    return;
                }

                await Task.WhenAny(next, change);
                stopping.ThrowIfCancellationRequested();
            }

            for (var i = 0; i < probes.Count; i++)
            {
                var result = await AskAsync(probes[i], timings[i].Timeout);
                if (!result.Success)
                {
                    pod.Event("Warning", "Unhealthy", $"Readiness probe failed: {result.Output}", slot);
                }

                if (timings[i].Count(result.Success) && !timings[i].Holds)
                {
                    return;
                }
            }
        }
    }

    private Task<ProbeResult> AskAsync(V1Probe probe, TimeSpan timeout)
    {
        var user = pod.App.First(s => s.Kind == ContainerKind.App);
        var http2 = user.Container.Ports?.Any(p => p.Name == "h2c") == true;
        return new ContainerProbe(pod, user.Container).AskAsync(probe, user.Run, IPAddress.Loopback, timeout, stopping, http2);
    }

    private void SetReady(bool ready) => pod.Change(() => slot.Ready = ready, urgent: true);
}
