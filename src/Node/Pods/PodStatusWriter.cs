using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Pods;

/// <summary>
/// Writes a pod's status to the API: only when it differs from the last, the newest only, one write at a time. What is not urgent
/// waits a moment for company.
/// </summary>
internal sealed partial class PodStatusWriter(PodContext pod)
{
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private readonly ILogger _logger = pod.Node.Loggers.CreateLogger<PodStatusWriter>();
    private TaskCompletionSource _urgent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _idle;
    private V1PodStatus? _pending;
    private byte[] _written = [];

    /// <summary>The status last posted.</summary>
    public V1PodStatus? Last { get; private set; }

    public void Post(V1PodStatus status, bool urgent)
    {
        lock (_gate)
        {
            (_pending, Last) = (status, status);
            if (urgent)
            {
                _urgent.TrySetResult();
            }

            if (_idle is null)
            {
                _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _ = WriteAllAsync(_idle);
            }
        }
    }

    /// <summary>Completes when everything posted is written, or the object is gone.</summary>
    public Task FlushAsync()
    {
        lock (_gate)
        {
            _urgent.TrySetResult();
            return _idle?.Task ?? Task.CompletedTask;
        }
    }

    private async Task WriteAllAsync(TaskCompletionSource idle)
    {
        await Task.Yield(); // the caller holds locks
        while (await TakeAsync() is { } status)
        {
            var bytes = KubeJson.Serialize(status);

            // Pods that end with the platform have not failed: the next start runs them again, as after a reboot.
            if (!pod.Node.IsDetached && !pod.Node.IsStopping && !bytes.AsSpan().SequenceEqual(_written))
            {
                PodRecord.SaveStatus(pod, bytes);
                await WriteAsync(status, bytes);
                _written = bytes;
            }
        }

        idle.SetResult();
    }

    private async Task<V1PodStatus?> TakeAsync()
    {
        Task urgent;
        lock (_gate)
        {
            urgent = _urgent.Task;
        }

        if (!urgent.IsCompleted)
        {
            await Task.WhenAny(urgent, Task.Delay(pod.Node.Options.StatusDelay, pod.Node.Time));
        }

        lock (_gate)
        {
            var status = _pending;
            _pending = null;
            _idle = status is null ? null : _idle;
            if (urgent.IsCompleted)
            {
                _urgent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return status;
        }
    }

    private async Task WriteAsync(V1PodStatus status, byte[] bytes)
    {
        for (var delay = RetryFirst; !pod.Removed; delay = delay * 2 > RetryMax ? RetryMax : delay * 2)
        {
            try
            {
                await pod.Node.Client.PatchAsync<V1Pod>(
                    pod.Namespace, pod.Name, PatchKind.Merge, Body(pod.Uid, status, bytes), CancellationToken.None, "status");
                return;
            }
            catch (KubeException e) when (e.IsNotFound || e.IsConflict || e.IsInvalid)
            {
                // Gone, or another pod of that name by now; an invalid status does not become valid by being sent again.
                Log.Refused(_logger, pod.FullName, e.Message);
                return;
            }
            catch (Exception e) when (e is KubeException or HttpRequestException)
            {
                Log.Failed(_logger, pod.FullName, e.Message);
            }

            await Task.Delay(delay, pod.Node.Time);
            lock (_gate)
            {
                if (_pending is not null)
                {
                    return; // something newer is to be written
                }
            }
        }
    }

    /// <summary>A merge patch, bound to this pod's uid; members that went away must be named to be removed.</summary>
    private static byte[] Body(string uid, V1PodStatus status, byte[] bytes)
    {
        var body = new StringBuilder($$$"""{"metadata":{"uid":"{{{uid}}}"},"status":""", bytes.Length + 200);
        body.Append(Encoding.UTF8.GetString(bytes.AsSpan(0, bytes.Length - 1)));
        foreach (var (name, value) in (ReadOnlySpan<(string, object?)>)
            [("reason", status.Reason), ("message", status.Message), ("podIP", status.PodIP), ("podIPs", status.PodIPs)])
        {
            if (value is null)
            {
                body.Append($",\"{name}\":null");
            }
        }

        return Encoding.UTF8.GetBytes(body.Append("}}").ToString());
    }

    private static partial class Log
    {
        [LoggerMessage(3507, LogLevel.Debug, "the status of {Pod} was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string pod, string reason);

        [LoggerMessage(3508, LogLevel.Warning, "the status of {Pod} could not be written, trying again: {Reason}")]
        public static partial void Failed(ILogger logger, string pod, string reason);
    }
}
