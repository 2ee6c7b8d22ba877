using Knet.ApiServer.Storage;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>Holds what a store found on disk against what was acknowledged before the end of the life before.</summary>
/// <param name="before">The life that ended.</param>
/// <param name="killedAt">The moment after which no answer counts; null when it was closed in order.</param>
internal sealed class RestartJudge(Life before, long? killedAt)
{
    private readonly List<Operation> _changes = LifeJudge.Changes(before);

    public void Check(Life after)
    {
        // Numbers that a client may have seen are never given out again.
        var seen = before.Operations.Where(Counts).Select(o => o.Result.Revision).Append(before.First).Max();
        Assert.True(after.First > seen || (killedAt is null && after.First >= seen), $"revisions went back from {seen} to {after.First}");

        var chains = _changes.Select(c => c.Key).Union(before.Initial.Keys).Union(after.Initial.Keys)
            .ToDictionary(k => k, k => new Chain(this, k, after.Initial.GetValueOrDefault(k)));
        foreach (var (key, chain) in chains)
        {
            Assert.True(chain.Candidates.Count > 0, $"{key} is {after.Initial.GetValueOrDefault(key)} after the restart, which nobody wrote");
            Assert.True(chain.Candidates[^1] >= chain.Promised, $"{key} lost {chain.Steps[chain.Promised].Change}");
        }

        // Acknowledged from memory: kept at least as long as anything that began later.
        foreach (var kept in chains.Values.SelectMany(c => c.Kept).ToList())
        {
            foreach (var chain in chains.Values)
            {
                var due = chain.Steps.FindLastIndex(s => s.OnItsWay && s.Change is { } c && c.Returned < kept.Invoked);
                Assert.True(chain.Candidates[^1] >= due, $"lost although the later {kept} was kept: {chain.Steps[Math.Max(due, 0)].Change}");
            }
        }
    }

    private Seen Initial(string key) => before.Initial.GetValueOrDefault(key);

    private bool Counts(Operation operation) => killedAt is null || operation.Returned < killedAt;

    // Committed, or flushed since, or the store was closed in order.
    private bool IsPromised(Operation change) => killedAt is null
        || (Counts(change) && (change.Durability == Durability.Committed
            || before.Flushes.Any(f => f.Invoked > change.Returned && f.Returned < killedAt)));

    /// <summary>A version of an object, and what the disk shows of it.</summary>
    /// <param name="OnItsWay">It was given to the disk: not volatile.</param>
    /// <param name="OnDisk">The number that the disk shows once this version reached it; 0: no object.</param>
    private sealed record Step(Operation? Change, Seen Seen, bool OnItsWay, int OnDisk);

    private sealed class Chain
    {
        public Chain(RestartJudge judge, string key, Seen found)
        {
            var initial = judge.Initial(key);
            Steps.Add(new Step(null, initial, true, initial.Value));
            foreach (var change in judge._changes.Where(c => c.Key == key))
            {
                Add(judge, change);
            }

            for (var i = 0; i < Steps.Count; i++)
            {
                // A commit's row carries the revision it would have got if no write from memory had come before it.
                var from = i == 0 ? 0 : Steps[i - 1].Seen.Revision;
                if (Steps[i].OnDisk == found.Value && (found.Value == 0 || (found.Revision > from && found.Revision <= Steps[i].Seen.Revision)))
                {
                    Candidates.Add(i);
                }
            }
        }

        public List<Step> Steps { get; } = [];

        /// <summary>The versions that the disk may show.</summary>
        public List<int> Candidates { get; } = [];

        /// <summary>The last version that was acknowledged as durable.</summary>
        public int Promised { get; private set; }

        /// <summary>Writes that surely reached the disk.</summary>
        public IEnumerable<Operation> Kept =>
            Steps.Take(Candidates.Count == 0 ? 0 : Candidates[0] + 1).Where(s => s is { OnItsWay: true, Change: not null }).Select(s => s.Change!);

        private void Add(RestartJudge judge, Operation change)
        {
            var last = Steps[^1];
            var known = last.OnDisk != 0;
            var volatileWrite = !known && (change.Durability == Durability.Volatile || (change.Value == 0 && last.Seen.Value != 0));
            var seen = change.Value == 0 ? default : new Seen(change.Result.Revision, change.Value);
            Steps.Add(new Step(change, seen, !volatileWrite, volatileWrite ? 0 : change.Value));
            if (!volatileWrite && judge.IsPromised(change))
            {
                Promised = Steps.Count - 1;
            }
        }
    }

}
