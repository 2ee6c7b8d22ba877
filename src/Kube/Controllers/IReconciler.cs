using k8s;
using k8s.Models;

namespace Knet.Kube.Controllers;

/// <summary>Decides what should be, for one object of a kind.</summary>
/// <typeparam name="TResource">The kind; one of ours or KubernetesClient's.</typeparam>
/// <typeparam name="TStatus">The type of its <c>status</c> member.</typeparam>
public interface IReconciler<TResource, TStatus>
    where TResource : class, IKubernetesObject<V1ObjectMeta>
    where TStatus : class
{
    /// <summary>
    /// Pure: no I/O, no clock, no randomness. The same view gives the same plan. Objects with a deletionTimestamp come too.
    /// </summary>
    Plan<TStatus> Reconcile(TResource resource, IView view);
}
