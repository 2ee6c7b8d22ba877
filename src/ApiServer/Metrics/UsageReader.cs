namespace Knet.ApiServer.Metrics;

/// <summary>How a <see cref="UsageReader"/> measures.</summary>
public sealed record UsageOptions
{
    /// <summary>Readings younger than this are not taken again. Default 5 s.</summary>
    public TimeSpan Fresh { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest time over which processor use is averaged: an older reading is no use. Default 2 minutes.</summary>
    public TimeSpan WindowMax { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Between the two readings of who asks after a long silence. Default 1 s.</summary>
    public TimeSpan FirstWindow { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>
/// Knows what containers and nodes use. Nothing is measured while nobody asks; the first answer after a silence takes a second, because
/// processor use is a difference of two readings.
/// </summary>
internal sealed class UsageReader(INodeSummaries nodes, UsageOptions options, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, (UsageSample? Before, UsageSample Last)> _samples = new(StringComparer.Ordinal);

    /// <summary>What a node's containers use, by pod uid and name; empty when the node does not answer.</summary>
    public async Task<(UsageRate? Node, IReadOnlyDictionary<(string PodUid, string Container), UsageRate> Containers)> ReadAsync(
        string node, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var (before, last) = await SampleAsync(node, cancellationToken);
            return last is null ? (null, new Dictionary<(string, string), UsageRate>()) : Rates(before, last);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private static (UsageRate?, Dictionary<(string, string), UsageRate>) Rates(UsageSample? before, UsageSample last)
    {
        var rates = new Dictionary<(string, string), UsageRate>();
        foreach (var (key, usage) in last.Containers)
        {
            if (UsageRate.Of(before?.Containers.GetValueOrDefault(key), usage) is { } rate)
            {
                rates[key] = rate;
            }
        }

        return (last.Node is null || before?.Node is null ? null : UsageRate.Of(before.Node, last.Node), rates);
    }

    private async Task<(UsageSample? Before, UsageSample? Last)> SampleAsync(string node, CancellationToken cancellationToken)
    {
        if (_samples.TryGetValue(node, out var known))
        {
            var age = time.GetUtcNow() - known.Last.At;
            if (age < options.Fresh && known.Before is not null)
            {
                return known;
            }

            if (age > options.WindowMax)
            {
                _samples.Remove(node);
            }
        }

        if (!_samples.TryGetValue(node, out known))
        {
            if (await TakeAsync(node, cancellationToken) is not { } first)
            {
                return default;
            }

            known = (null, first);
            await Task.Delay(options.FirstWindow, time, cancellationToken);
        }

        return await TakeAsync(node, cancellationToken) is { } next ? _samples[node] = (known.Last, next) : default;
    }

    private async Task<UsageSample?> TakeAsync(string node, CancellationToken cancellationToken) =>
        await nodes.ReadAsync(node, cancellationToken) is { } summary ? UsageSample.Parse(summary, time.GetUtcNow()) : null;
}
