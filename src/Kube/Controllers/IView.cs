using k8s;
using k8s.Models;
using Knet.Kube.Facts;

namespace Knet.Kube.Controllers;

/// <summary>
/// One reading of the caches, the configuration and the facts, for one reconcile. The executor records what was read: a change to any
/// of it wakes the key again (absence and empty answers count as read).
/// </summary>
/// <remarks>Objects are shared: never change one.</remarks>
public interface IView
{
    /// <summary>The time of this reconcile. Reading it wakes nothing: use <see cref="Plan{TStatus}.RequeueAfter"/>.</summary>
    DateTimeOffset Now { get; }

    T? Get<T>(string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Objects of the owner's namespace whose controlling owner reference has the owner's uid, by name.</summary>
    IReadOnlyList<T> Owned<T>(V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>Objects of a namespace (empty: all) with this label value, by namespace and name.</summary>
    IReadOnlyList<T> Labelled<T>(string ns, string label, string value) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>All objects of a namespace (empty: all). Any change among them wakes the key: for few-object kinds only.</summary>
    IReadOnlyList<T> All<T>(string ns) where T : class, IKubernetesObject<V1ObjectMeta>;

    /// <summary>The last good snapshot of a ConfigMap that upstream defines (config-autoscaler, config-network …).</summary>
    TConfig Config<TConfig>() where TConfig : class;

    /// <summary>What a source knows; wakes the key when that changes.</summary>
    Fact<TValue> Fact<TQuery, TValue>(TQuery query) where TQuery : notnull;
}
