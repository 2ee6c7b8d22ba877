using Knet.ApiServer.Storage;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>Holds what the clients of one life saw against the store's promises.</summary>
internal static class LifeJudge
{
    /// <summary>All changes of a life, by revision.</summary>
    public static List<Operation> Changes(Life life) => [.. life.Operations.Where(o => o.IsWrite).OrderBy(o => o.Result.Revision)];

    public static void Check(Life life)
    {
        foreach (var key in life.Operations.GroupBy(o => o.Key))
        {
            var unfit = Linearizability.Explain([.. key], life.Initial.GetValueOrDefault(key.Key));
            Assert.True(unfit is null, unfit);
        }

        var changes = Changes(life);
        CheckOrder(life, changes);
        CheckLists(life, changes);
        foreach (var watch in life.Watches)
        {
            CheckWatch(life, watch, changes);
        }
    }

    // One counter: no number twice, and what is over before another begins has the lower one.
    private static void CheckOrder(Life life, List<Operation> changes)
    {
        var last = life.First;
        var latest = 0L;
        foreach (var change in changes)
        {
            Assert.True(change.Result.Revision > last, $"revision {change.Result.Revision} after {last}");
            Assert.True(change.Returned > latest, $"began later and has a lower revision: {change}");
            last = change.Result.Revision;
            latest = Math.Max(latest, change.Invoked);
        }
    }

    // A list is the replay of all changes up to its revision.
    private static void CheckLists(Life life, List<Operation> changes)
    {
        var state = new SortedDictionary<string, Seen>(life.Initial);
        var next = 0;
        foreach (var (revision, objects) in life.Lists.OrderBy(l => l.Revision))
        {
            for (; next < changes.Count && changes[next].Result.Revision <= revision; next++)
            {
                state.Remove(changes[next].Key);
                if (changes[next].Value != 0)
                {
                    state[changes[next].Key] = new Seen(changes[next].Result.Revision, changes[next].Value);
                }
            }

            Assert.Equal(state, new SortedDictionary<string, Seen>(objects));
        }
    }

    private static void CheckWatch(Life life, WatchLog watch, List<Operation> changes)
    {
        var after = changes.Where(c => c.Result.Revision > watch.After).ToList();
        if (watch.RefusedBefore is { } revision)
        {
            // Rightly only if an event after that version was forgotten.
            Assert.True(watch.After < life.First || after.Count(c => c.Result.Revision <= revision) > life.Options.HistoryEvents);
            return;
        }

        Assert.True(watch.After >= life.First, $"a watch of an earlier life was served from {watch.After}");
        var wanted = after.Where(c => watch.Namespace.Length == 0 || c.Key.StartsWith(watch.Namespace + "/", StringComparison.Ordinal)).ToList();
        if (watch.Dropped)
        {
            Assert.True(wanted.Count >= life.Options.WatchBacklog);
            Assert.True(watch.Events.Count <= wanted.Count);
            wanted = wanted[..watch.Events.Count];
        }
        else
        {
            Assert.Equal(life.Store.Revision, watch.CompleteTo);
        }

        Assert.Equal(
            wanted.Select(c => (c.Key, c.Result.Revision, c.Value, c.Expected)),
            watch.Events.Select(e => (Life.Name(e.Object!.Key), e.Revision, ValueOf(e), e.Before?.Revision ?? 0)));
    }

    private static int ValueOf(StoreEvent change) => change.Type == WatchEventType.Deleted ? 0 : Life.Number(change.Object!);
}
