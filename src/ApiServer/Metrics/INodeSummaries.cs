namespace Knet.ApiServer.Metrics;

/// <summary>The way to what a node says of its pods' use of the machine.</summary>
public interface INodeSummaries
{
    /// <summary>The node's <c>/stats/summary</c> as JSON; null when the node does not answer.</summary>
    /// <param name="nodeName">The Node object's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<ReadOnlyMemory<byte>?> ReadAsync(string nodeName, CancellationToken cancellationToken);
}
