using System.Diagnostics;
using System.Globalization;
using Knet.ApiServer.Storage;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>
/// Several clients at once on a few objects, over several lives of one data file, each ended by a kill or in order: every object is
/// linearizable, lists and watches show exactly what happened, and a restart keeps what was promised. <c>KNET_STORE_SECONDS</c> runs it
/// longer; <c>KNET_STORE_SEED</c> begins with the seed of a failure (the schedule is the machine's own).
/// </summary>
public sealed class StorePropertyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("knet-history-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task ManyClients_OverRestarts_SeeOneHistory()
    {
        var longer = Number("KNET_STORE_SECONDS");
        var limit = TimeSpan.FromSeconds(longer ?? 1);
        var seed = Number("KNET_STORE_SEED") ?? Random.Shared.Next(1_000_000);
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < 3 || (longer is not null && Stopwatch.GetElapsedTime(start) < limit); round++, seed++)
        {
            try
            {
                await OneFileAsync(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }
    }

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : null;

    private async Task OneFileAsync(int seed)
    {
        var random = new Random(seed);
        var workload = new Workload();
        var file = Path.Combine(_directory, $"{seed}-0");
        var life = new Life(workload, file, Options(random));
        try
        {
            for (var number = 1; number <= 3; number++)
            {
                var kill = random.Next(3) != 0;
                long? killedAt = null;
                var next = kill ? Path.Combine(_directory, $"{seed}-{number}") : life.Options.File!;
                await life.RunAsync(random.Next(), calls: 25, midway: () => killedAt = kill ? CopyOf(life.Options.File!, next, workload) : null);
                LifeJudge.Check(life);
                var ended = life;
                ended.Dispose();
                life = new Life(workload, next, Options(random));
                new RestartJudge(ended, killedAt).Check(life);
            }
        }
        finally
        {
            life.Dispose();
        }
    }

    // What a killed process leaves: the files as they are at one moment, in the middle of its work.
    private static long CopyOf(string from, string to, Workload workload)
    {
        var moment = workload.Tick();
        foreach (var suffix in (string[])["", "-wal"])
        {
            File.Copy(from + suffix, to + suffix);
        }

        return moment;
    }

    private static StoreOptions Options(Random random) => new()
    {
        HistoryEvents = random.Next(2) == 0 ? 2048 : random.Next(4, 20),
        WatchBacklog = random.Next(2) == 0 ? 16384 : random.Next(20, 40),
        RevisionBlock = random.Next(2) == 0 ? 100_000 : random.Next(2, 12),
        PagedSnapshots = random.Next(2, 6),
        GroupCommit = TimeSpan.FromMilliseconds(random.Next(0, 4)),
    };
}
