using CsCheck;
using Knet.Api.Meta;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class ConditionSetTests
{
    private static readonly ConditionSet Set = new("A", "B");
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Fact]
    public void Initialize_MakesAllUnknown() =>
        Assert.Equal(["A Unknown", "B Unknown", "Ready Unknown"], Set.Initialize(null).Select(c => $"{c.Type} {c.Status}"));

    [Fact]
    public void LastDependentTrue_MakesReadyTrue()
    {
        var half = Set.MarkTrue(Set.Initialize(null), "A");
        Assert.Equal("Unknown", ConditionSet.Find(half, "Ready")!.Status);
        Assert.True(ConditionSet.IsTrue(Set.MarkTrue(half, "B")));
    }

    [Fact]
    public void NewestFailure_DecidesReady()
    {
        var conditions = Set.MarkFalse(Set.MarkFalse(Set.Initialize(null), "A", "First", "one"), "B", "Second", "two");
        Assert.Equal("Second", ConditionSet.Find(conditions, "Ready")!.Reason);
        conditions = Set.MarkTrue(conditions, "B");
        Assert.Equal("First", ConditionSet.Find(conditions, "Ready")!.Reason);
    }

    [Fact]
    public void Failure_OutranksUnknown()
    {
        var conditions = Set.MarkUnknown(Set.MarkFalse(Set.Initialize(null), "A", "Broken", "x"), "B", "Later", "y");
        Assert.True(ConditionSet.IsFalse(conditions));
        Assert.Equal("Broken", ConditionSet.Find(conditions, "Ready")!.Reason);
    }

    [Fact]
    public void InformationalCondition_DoesNotFeedReady()
    {
        var ready = Set.MarkTrue(Set.MarkTrue(Set.Initialize(null), "A"), "B");
        var conditions = Set.MarkFalse(ready, "Active", "NoTraffic", "idle");
        Assert.True(ConditionSet.IsTrue(conditions));
        Assert.Equal("Info", ConditionSet.Find(conditions, "Active")!.Severity);
    }

    [Fact]
    public void NewGeneration_MakesReadyUnknown()
    {
        var ready = ConditionSet.Stamp(null, Set.MarkTrue(Set.MarkTrue(Set.Initialize(null), "A"), "B"), Now);
        Assert.True(ConditionSet.IsTrue(Set.Begin(ready, 1, 1)));
        Assert.Equal("NewObservedGenFailure", ConditionSet.Find(Set.Begin(ready, 1, 2), "Ready")!.Reason);
    }

    [Fact]
    public void Stamp_KeepsTheTimeOfWhatEndsAsItBegan()
    {
        var before = ConditionSet.Stamp(null, Set.MarkTrue(Set.MarkTrue(Set.Initialize(null), "A"), "B"), Now);
        var there = Set.MarkTrue(Set.MarkFalse(before, "A", "Gone", "for a moment"), "A");
        Assert.Equal(before, ConditionSet.Stamp(before, there, Now.AddHours(1)));
        var changed = ConditionSet.Stamp(before, Set.MarkFalse(before, "A", "Gone", "for good"), Now.AddHours(1));
        Assert.Equal(Now.AddHours(1).UtcDateTime.AddMilliseconds(-678), ConditionSet.Find(changed, "A")!.LastTransitionTime);
        Assert.Equal(Now.UtcDateTime.AddMilliseconds(-678), ConditionSet.Find(changed, "B")!.LastTransitionTime);
    }

    /// <summary>However it came about: Ready is True exactly when all dependents are, and False when one of them is.</summary>
    [Fact]
    public void AnySequenceOfMarks_KeepsReadyInStep() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 2]).List[0, 12].Sample(marks =>
        {
            var conditions = Set.Initialize(null);
            foreach (var (type, mark) in marks)
            {
                var name = "ABC"[type].ToString();
                conditions = mark switch
                {
                    0 => Set.MarkTrue(conditions, name),
                    1 => Set.MarkUnknown(conditions, name, "R", "m"),
                    _ => Set.MarkFalse(conditions, name, "R", "m"),
                };
            }

            var (a, b) = (ConditionSet.Find(conditions, "A")!.Status, ConditionSet.Find(conditions, "B")!.Status);
            var want = a == "False" || b == "False" ? "False" : a == "True" && b == "True" ? "True" : "Unknown";
            return ConditionSet.Find(conditions, "Ready")!.Status == want &&
                conditions.Select(c => c.Type).SequenceEqual(conditions.Select(c => c.Type).Order());
        });

    [Fact]
    public void ChildName_FitsInto63Characters()
    {
        var parent = "a" + new string('b', 60);
        Assert.Equal("hello-deployment", ChildNames.For("hello", "-deployment"));
        Assert.Equal($"{parent[..20]}82c158e738f0a33a75d7b071e21f5497-deployment", ChildNames.For(parent, "-deployment"));
        var suffix = "-" + new string('c', 40);
        Assert.Equal($"{parent[..31]}b84ac0bff6b367a8a96e195a8a5eaa4f", ChildNames.For(parent, suffix));
        Assert.Equal($"short8b4f6557edb462d971ed69226e8576e2{suffix[..26]}", ChildNames.For("short", suffix + suffix));
    }
}
