using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.DataPlane.Activation;
using Knet.Kube.Informers;

namespace Knet.Gateway.Embedded;

/// <summary>
/// Tells the data plane of Revisions and their pods, straight from the informers: a pod that became ready wakes the requests that wait for
/// it with no queue between.
/// </summary>
internal sealed class RevisionFeed(RevisionStates revisions) : IDisposable
{
    private const int DefaultPort = 8080;
    private readonly List<IDisposable> _subscriptions = [];

    public void Follow(InformerFactory informers)
    {
        _subscriptions.Add(informers.Get<KnRevision>().Subscribe(OnRevision));
        _subscriptions.Add(informers.Get<V1Pod>().Subscribe(OnPod));
    }

    public void Dispose() => _subscriptions.ForEach(s => s.Dispose());

    internal static RevisionSettings SettingsOf(RevisionSpec spec)
    {
        var serving = spec.Containers.Count == 1 ? spec.Containers[0] : spec.Containers.FirstOrDefault(c => c.Ports is { Count: > 0 });
        var port = serving?.Ports is { Count: > 0 } ports ? ports[0] : null;
        return new RevisionSettings
        {
            ContainerConcurrency = (int)Math.Clamp(spec.ContainerConcurrency ?? 0, 0, int.MaxValue / 2),
            Timeout = TimeSpan.FromSeconds(spec.TimeoutSeconds ?? 300),
            ResponseStartTimeout = TimeSpan.FromSeconds(spec.ResponseStartTimeoutSeconds ?? 0),
            IdleTimeout = TimeSpan.FromSeconds(spec.IdleTimeoutSeconds ?? 0),
            Port = port is { ContainerPort: > 0 } ? port.ContainerPort : DefaultPort,
            Http2 = port?.Name == "h2c",
        };
    }

    private void OnRevision(InformerChange<KnRevision> change)
    {
        if (change.New is null)
        {
            revisions.Remove(change.Key.Namespace, change.Key.Name);
        }
        else if (change.Old is null)
        {
            revisions.Configure(change.Key.Namespace, change.Key.Name, SettingsOf(change.New.Spec));
        }
    }

    private void OnPod(InformerChange<V1Pod> change)
    {
        var pod = change.New ?? change.Old!;
        if (pod.Metadata.Labels is { } labels && labels.TryGetValue(ServingKeys.Revision, out var revision))
        {
            revisions.SetInstance(
                change.Key.Namespace, revision, change.Key.Name, pod.Status?.PodIP ?? "",
                change.New is null ? InstancePhase.Gone : PhaseOf(pod));
        }
    }

    private static InstancePhase PhaseOf(V1Pod pod)
    {
        if (pod.Metadata.DeletionTimestamp is not null || pod.Status?.Phase is "Succeeded" or "Failed")
        {
            return InstancePhase.Draining;
        }

        return pod.Status is { Phase: "Running", PodIP.Length: > 0, Conditions: { } conditions } && IsReady(conditions)
            ? InstancePhase.Ready
            : InstancePhase.NotReady;
    }

    private static bool IsReady(IList<V1PodCondition> conditions)
    {
        foreach (var condition in conditions)
        {
            if (condition.Type == "Ready")
            {
                return condition.Status == "True";
            }
        }

        return false;
    }
}
