using System.Collections.Concurrent;
using k8s.Models;

using Knet.Kube.Client;
using Knet.Kube.Informers;

namespace Knet.Tests.System.Platform;

/// <summary>
/// A node without containers: registers itself, and reports pods bound to it as running and ready, or as failing when their image asks
/// for it (<c>crash</c>). Terminating pods go at once. Everything goes through the API, as a kubelet's would.
/// </summary>
internal sealed class FakeNode(KubeClient client, InformerFactory informers) : IAsyncDisposable
{
    public const string Name = "fake";

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, bool> _seen = new();
    private IDisposable? _subscription;
    private int _lastAddress;

    public async Task StartAsync()
    {
        var node = new V1Node
        {
            ApiVersion = "v1",
            Kind = "Node",
            Metadata = new V1ObjectMeta { Name = Name, Labels = new Dictionary<string, string> { ["kubernetes.io/hostname"] = Name } },
        };
        await client.CreateAsync(node, _stop.Token);
        var quantities = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("64"), ["memory"] = new("256Gi"), ["pods"] = new("10000") };
        await client.UpdateStatusAsync(
            node with
            {
                Status = new V1NodeStatus
                {
                    Capacity = quantities,
                    Allocatable = quantities,
                    Conditions = [new V1NodeCondition { Type = "Ready", Status = "True", Reason = "KubeletReady" }],
                },
            },
            _stop.Token);
        _subscription = informers.Get<V1Pod>().Subscribe(change => OnPod(change.New));
    }

    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    private void OnPod(V1Pod? pod)
    {
        if (pod?.Spec.NodeName != Name)
        {
            return;
        }

        if (pod.Metadata.DeletionTimestamp is not null)
        {
            _ = TellAsync(() => client.DeleteAsync<V1Pod>(
                pod.Metadata.NamespaceProperty, pod.Metadata.Name, _stop.Token, new V1DeleteOptions { GracePeriodSeconds = 0 }));
        }
        else if (_seen.TryAdd(pod.Metadata.Uid, true))
        {
            _ = TellAsync(() => client.UpdateStatusAsync(pod with { Status = StatusOf(pod) }, _stop.Token));
        }
    }

    private async Task TellAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (KubeException e) when (e.IsNotFound || e.IsConflict)
        {
            // The pod went, or changed and comes again.
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test has ended.
        }
    }

    private V1PodStatus StatusOf(V1Pod pod)
    {
        var crashes = pod.Spec.Containers.Any(c => c.Image.Contains("crash", StringComparison.Ordinal));
        var address = $"10.1.{_lastAddress / 250}.{(Interlocked.Increment(ref _lastAddress) % 250) + 1}";
        var ready = crashes ? "False" : "True";
        return new V1PodStatus
        {
            Phase = "Running",
            PodIP = address,
            PodIPs = [new V1PodIP { Ip = address }],
            HostIP = "127.0.0.1",
            Conditions =
            [
                new V1PodCondition { Type = "PodScheduled", Status = "True" },
                new V1PodCondition { Type = "ContainersReady", Status = ready },
                new V1PodCondition { Type = "Ready", Status = ready },
            ],
            ContainerStatuses = [.. pod.Spec.Containers.Select(c => Container(c, crashes && c.Name != "queue-proxy"))],
        };
    }

    private static V1ContainerStatus Container(V1Container container, bool crashes)
    {
        var status = new V1ContainerStatus { Name = container.Name, Image = container.Image, ImageID = container.Image, Ready = !crashes };
        if (!crashes)
        {
            return status with { Started = true, State = new V1ContainerState { Running = new V1ContainerStateRunning() } };
        }

        var terminated = new V1ContainerStateTerminated { ExitCode = 7, Message = "no database", Reason = "Error" };
        return status with
        {
            RestartCount = 1,
            State = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = "CrashLoopBackOff" } },
            LastState = new V1ContainerState { Terminated = terminated },
        };
    }
}
