namespace Knet.DataPlane.Stats;

/// <summary>The traffic of one Revision over the interval since the last collection.</summary>
/// <param name="AverageConcurrency">Requests in flight and waiting, averaged over the interval.</param>
/// <param name="RequestCount">Requests that arrived in the interval.</param>
public readonly record struct RevisionSample(string Namespace, string Revision, double AverageConcurrency, double RequestCount);

/// <summary>What the fused data plane counts and the autoscaler reads. On a cluster the same samples come over HTTP.</summary>
public interface IRevisionStats
{
    /// <summary>Adds a sample for each Revision that had traffic since the last call. Called by one loop, once a second.</summary>
    void Collect(ICollection<RevisionSample> into);

    /// <summary>
    /// Called from the request path when a request finds its Revision without any instance: the poke that starts scaling from zero.
    /// The handler must not block.
    /// </summary>
    event Action<string, string>? Starved;
}
