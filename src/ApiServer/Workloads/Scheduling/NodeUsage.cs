using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Scheduling;

/// <summary>
/// What is taken on each node, kept up to date change by change. A pod just bound counts at once, before the watch shows it.
/// </summary>
internal sealed class NodeUsage
{
    private static readonly Dictionary<string, decimal> Nothing = [];
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Placed> _placed = [];
    private readonly Dictionary<string, Dictionary<string, decimal>> _taken = [];

    /// <summary>Follows a pod; true when something was given back.</summary>
    public bool Follow(ObjectKey key, V1Pod? pod)
    {
        lock (_lock)
        {
            var known = _placed.GetValueOrDefault(key);
            if (pod is null || PodStates.IsTerminal(pod))
            {
                return Release(key);
            }

            if (string.IsNullOrEmpty(pod.Spec?.NodeName))
            {
                // An older version of a pod that we have bound meanwhile; but another pod of that name has not been bound.
                return known is not null && known.Uid != pod.Metadata.Uid && Release(key);
            }

            if (known is null || known.Uid != pod.Metadata.Uid || known.Node != pod.Spec.NodeName)
            {
                Release(key);
                Take(key, pod, pod.Spec.NodeName);
            }

            return false;
        }
    }

    /// <summary>The pod is being bound to a node.</summary>
    public void Assume(V1Pod pod, string node)
    {
        lock (_lock)
        {
            var key = new ObjectKey(pod.Metadata.NamespaceProperty, pod.Metadata.Name);
            Release(key);
            Take(key, pod, node);
        }
    }

    /// <summary>The binding was refused.</summary>
    public void Forget(ObjectKey key)
    {
        lock (_lock)
        {
            Release(key);
        }
    }

    /// <summary>The amounts taken on a node, with the number of pods as <c>pods</c>.</summary>
    public IReadOnlyDictionary<string, decimal> TakenOn(string node)
    {
        lock (_lock)
        {
            return _taken.TryGetValue(node, out var taken) ? new Dictionary<string, decimal>(taken) : Nothing;
        }
    }

    private void Take(ObjectKey key, V1Pod pod, string node)
    {
        var requests = PodResources.RequestsOf(pod.Spec);
        requests["pods"] = 1;
        _placed[key] = new Placed(pod.Metadata.Uid, node, requests);
        if (!_taken.TryGetValue(node, out var taken))
        {
            _taken[node] = taken = [];
        }

        PodResources.Add(taken, requests);
    }

    private bool Release(ObjectKey key)
    {
        if (!_placed.Remove(key, out var known))
        {
            return false;
        }

        PodResources.Add(_taken[known.Node], known.Requests, -1);
        return true;
    }

    private sealed record Placed(string Uid, string Node, Dictionary<string, decimal> Requests);
}
