using k8s;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.WorkQueue;

namespace Knet.Kube.Controllers;

/// <summary>How one controller works, and which kinds its view may read.</summary>
public sealed class ControllerOptions
{
    internal List<Action<ControllerScope>> ReadKinds { get; } = [];

    /// <summary>Keys worked on at once. Default 10, as controller-runtime's usual setting for Knative.</summary>
    public int Workers { get; set; } = 10;

    public WorkQueueOptions Queue { get; set; } = new();

    /// <summary>
    /// The Event to record when a step failed; null records none. Default: a Warning <c>InternalError</c> with the error's text, as
    /// Knative's generated reconcilers do.
    /// </summary>
    public Func<PlanStep, KubeException, PlanEvent?> FailureEvent { get; set; } =
        static (_, error) => new PlanEvent("Warning", "InternalError", error.Message);

    /// <summary>
    /// Declares a kind that the view may read: its cache is complete before the first reconcile, its changes wake the readers.
    /// </summary>
    public ControllerOptions Reads<T>() where T : class, IKubernetesObject<V1ObjectMeta>
    {
        ReadKinds.Add(static scope => scope.Follow<T>());
        return this;
    }
}
