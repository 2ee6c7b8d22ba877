using System.Text;
using Knet.ApiServer.Metrics;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Metrics;

/// <summary>Rates out of a node's running sums.</summary>
public sealed class UsageTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Reader_MeasuresTwiceAtFirst_AndOverTheTimeBetweenQuestionsLater()
    {
        var time = new FakeTimeProvider(Noon);
        var node = new Node(time);
        using var reader = new UsageReader(node, new UsageOptions(), time);
        var first = reader.ReadAsync("n", CancellationToken.None);
        Assert.False(first.IsCompleted);
        node.CpuNanos += 250_000_000;
        time.Advance(TimeSpan.FromSeconds(1));
        var (whole, containers) = await first;
        Assert.Equal(0.25m, containers[("u", "c")].Cores);
        Assert.Equal((0.5m, 4096), (whole!.Cores, whole.WorkingSetBytes));

        // Asked again at once: the same; later: the mean since then.
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(0.25m, (await reader.ReadAsync("n", CancellationToken.None)).Containers[("u", "c")].Cores);
        Assert.Equal(2, node.Reads);
        node.CpuNanos += 10_000_000_000;
        time.Advance(TimeSpan.FromSeconds(8));
        var later = (await reader.ReadAsync("n", CancellationToken.None)).Containers[("u", "c")];
        Assert.Equal((1m, TimeSpan.FromSeconds(10)), (later.Cores, later.Window));
    }

    [Fact]
    public void Rate_OfWhatBeganAnew_IsSinceItsStart()
    {
        var before = new Usage(Noon, Noon.AddMinutes(-1), 50, 1);
        var now = new Usage(Noon.AddSeconds(10), Noon.AddSeconds(8), 1_000_000_000, 1);
        Assert.Equal((0.5m, TimeSpan.FromSeconds(2)), (UsageRate.Of(before, now)!.Cores, UsageRate.Of(before, now)!.Window));
        Assert.Null(UsageRate.Of(null, now with { Since = null }));
    }

    private sealed class Node(FakeTimeProvider time) : INodeSummaries
    {
        public long CpuNanos { get; set; }
        public int Reads { get; private set; }

        public Task<ReadOnlyMemory<byte>?> ReadAsync(string nodeName, CancellationToken cancellationToken)
        {
            Reads++;
            var now = time.GetUtcNow().UtcDateTime.ToString("O");
            return Task.FromResult<ReadOnlyMemory<byte>?>(Encoding.UTF8.GetBytes($$"""
                {"node":{"cpu":{"time":"{{now}}","usageCoreNanoSeconds":{{CpuNanos * 2}} },"memory":{"workingSetBytes":4096} },
                 "pods":[{"podRef":{"uid":"u"},"containers":[{"name":"c","startTime":"2026-01-01T00:00:00Z",
                 "cpu":{"time":"{{now}}","usageCoreNanoSeconds":{{CpuNanos}} },"memory":{"workingSetBytes":1024} }]}]}
                """));
        }
    }
}
