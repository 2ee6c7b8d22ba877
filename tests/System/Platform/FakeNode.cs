using System.Collections.Concurrent;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Informers;

namespace Knet.Tests.System.Platform;

/// <summary>
/// A node without containers: registers itself, and reports pods bound to it as running and ready, or as failing when their image asks
/// for it (<c>crash</c>). Terminating pods are drained and go. Everything goes through the API, as a kubelet's would.
/// </summary>
/// <param name="client">With a node's rights.</param>
/// <param name="drain">Waits until a pod's address has answered what it was asked.</param>
internal sealed class FakeNode(
    KubeClient client, Informer<V1Pod> pods, FakePrograms programs, Func<string, CancellationToken, Task> drain) : IAsyncDisposable
{
    public const string Name = "fake";

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, string> _addressOf = new();
    private readonly ConcurrentDictionary<string, bool> _ending = new();
    private IDisposable? _subscription;

    public async Task StartAsync()
    {
        var found = await client.FindAsync<V1Node>("", Name, _stop.Token) ?? await client.CreateAsync(
            new V1Node
            {
                ApiVersion = "v1",
                Kind = "Node",
                Metadata = new V1ObjectMeta { Name = Name, Labels = new Dictionary<string, string> { ["kubernetes.io/hostname"] = Name } },
            },
            _stop.Token);
        var quantities = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("64"), ["memory"] = new("256Gi"), ["pods"] = new("10000") };
        await client.UpdateStatusAsync(
            found with
            {
                Status = new V1NodeStatus
                {
                    Capacity = quantities,
                    Allocatable = quantities,
                    Conditions = [new V1NodeCondition { Type = "Ready", Status = "True", Reason = "KubeletReady" }],
                },
            },
            _stop.Token);
        _subscription = pods.Subscribe(change => OnPod(change.New));
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

        if (pod.Metadata.DeletionTimestamp is null)
        {
            if (_addressOf.TryAdd(pod.Metadata.Uid, ""))
            {
                _ = TellAsync(() => RunAsync(pod, _stop.Token));
            }
        }
        else if (_ending.TryAdd(pod.Metadata.Uid, true))
        {
            _ = TellAsync(() => EndAsync(pod, _stop.Token));
        }
    }

    private async Task RunAsync(V1Pod pod, CancellationToken stop)
    {
        var text = pod.Spec.Containers[0].Env?.FirstOrDefault(e => e.Name == "TEXT")?.Value ?? pod.Spec.Containers[0].Image;
        var address = _addressOf[pod.Metadata.Uid] = programs.Start(text);
        while (true)
        {
            try
            {
                await client.UpdateStatusAsync(pod with { Status = StatusOf(pod, address) }, stop);
                return;
            }
            catch (KubeException e) when (e.IsConflict)
            {
                pod = await client.GetAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, stop);
            }
        }
    }

    private async Task EndAsync(V1Pod pod, CancellationToken stop)
    {
        if (_addressOf.TryRemove(pod.Metadata.Uid, out var address))
        {
            await drain(address, stop);
            programs.Stop(address);
        }

        await client.DeleteAsync<V1Pod>(
            pod.Metadata.NamespaceProperty, pod.Metadata.Name, stop, new V1DeleteOptions { GracePeriodSeconds = 0 });
    }

    private async Task TellAsync(Func<Task> write)
    {
        // Not on the informer's thread, whose other readers wait.
        await Task.Yield();
        try
        {
            await write();
        }
        catch (KubeException e) when (e.IsNotFound || _stop.IsCancellationRequested)
        {
            // The pod went.
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The test has ended.
        }
    }

    private static V1PodStatus StatusOf(V1Pod pod, string address)
    {
        var crashes = pod.Spec.Containers.Any(c => c.Image.Contains("crash", StringComparison.Ordinal));
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
