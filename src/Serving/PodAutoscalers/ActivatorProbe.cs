using Knet.Kube.Facts;

namespace Knet.Serving.PodAutoscalers;

/// <summary>Do requests to this Revision pass the activator, so that its last pod may go?</summary>
public sealed record ActivatorInPath(string Namespace, string Revision);

/// <summary>
/// The answer where gateway and activator are one: always. Every request passes the buffer, whatever the endpoints say, so scaling to zero
/// needs no probing and no waiting for endpoints to spread.
/// </summary>
public sealed class FusedActivatorPath : IFactSource<ActivatorInPath, bool>
{
    public Fact<bool> Ask(ActivatorInPath query, Action wake) => new Fact<bool>.Known(true);

    public void Forget(ActivatorInPath query)
    {
        // Nothing is remembered.
    }
}
