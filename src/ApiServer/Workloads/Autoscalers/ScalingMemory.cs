namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>What an autoscaler remembers between two looks: recommendations to stabilise by, and changes to limit the rate by.</summary>
/// <remarks>Called from one loop only. Lost at a restart, as in Kubernetes.</remarks>
internal sealed class ScalingMemory
{
    // Longer than any window that validation allows (one hour).
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);
    private readonly List<(DateTimeOffset At, int Replicas)> _recommendations = [];
    private readonly List<(DateTimeOffset At, int Change)> _changes = [];

    public void Recommend(DateTimeOffset at, int replicas)
    {
        _recommendations.RemoveAll(r => r.At < at - Kept);
        _recommendations.Add((at, replicas));
    }

    /// <param name="change">Replicas added, or taken away as a negative number.</param>
    public void Changed(DateTimeOffset at, int change)
    {
        _changes.RemoveAll(c => c.At < at - Kept);
        _changes.Add((at, change));
    }

    public IEnumerable<int> RecommendedSince(DateTimeOffset since) => _recommendations.Where(r => r.At > since).Select(r => r.Replicas);

    public int AddedSince(DateTimeOffset since) => _changes.Where(c => c.At > since && c.Change > 0).Sum(c => c.Change);

    public int RemovedSince(DateTimeOffset since) => -_changes.Where(c => c.At > since && c.Change < 0).Sum(c => c.Change);
}
