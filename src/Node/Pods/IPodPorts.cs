using k8s.Models;
using Knet.Node.Logs;
using Knet.Node.Network;

namespace Knet.Node.Pods;

/// <summary>
/// The ports of a pod's virtual <c>queue-proxy</c>: the node does not run that container, the daemon opens its ports inside the pod's
/// network namespace. Implemented by the data plane; a node without one reports the container and serves nothing.
/// </summary>
public interface IPodPorts
{
    /// <summary>Opens the ports; disposing closes them. Called once per sandbox, before the pod's first container starts.</summary>
    /// <param name="log">The container's log, theirs from now on.</param>
    IAsyncDisposable Open(PodSandbox sandbox, V1Pod pod, ContainerLog log);

    /// <summary>
    /// Waits until the pod's requests in flight are finished: the answer to the user container's preStop hook on port 8022. The caller
    /// bounds it by the grace period.
    /// </summary>
    Task DrainAsync(PodSandbox sandbox, V1Pod pod, CancellationToken cancellationToken);
}
