using System.Text.Json;
using System.Text.Json.Serialization;

namespace Knet.Serving.Routes;

/// <summary>A Revision's share in a rollout.</summary>
internal sealed record RolloutRevision
{
    public string RevisionName { get; init; } = "";
    public int Percent { get; init; }
}

/// <summary>The clockwork of a rollout; times and durations in nanoseconds, 0 for not set.</summary>
internal sealed record RolloutParams
{
    [JsonPropertyName("starttime")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StartTime { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long NextStepTime { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long StepDuration { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int StepSize { get; init; }
}

/// <summary>How the share of one Configuration (under one tag) is spread over its Revisions, oldest first.</summary>
internal sealed record RolloutConfiguration
{
    public string ConfigurationName { get; init; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Tag { get; init; }

    public int Percent { get; init; }
    public List<RolloutRevision> Revisions { get; init; } = [];
    public RolloutParams StepParams { get; init; } = new();

    [JsonIgnore]
    public bool IsDone => Revisions.Count < 2;
}

/// <summary>
/// The gradual move of traffic to the latest Revisions (serving.md 9.7). Its state is an annotation of the Ingress, so that any controller
/// can carry
/// on from it.
/// </summary>
internal sealed record Rollout
{
    private const long Second = 1_000_000_000;

    public List<RolloutConfiguration> Configurations { get; init; } = [];

    [JsonIgnore]
    public bool IsDone => Configurations.TrueForAll(c => c.IsDone);

    /// <summary>Everything at its goal: what a Route wants once no rollout is under way.</summary>
    public static Rollout Goal(IEnumerable<ResolvedTarget> targets) => new()
    {
        Configurations =
        [
            .. targets.Where(t => t.IsLatest)
                .GroupBy(t => (t.Tag, t.Configuration))
                .OrderBy(g => g.Key.Tag, StringComparer.Ordinal)
                .ThenBy(g => g.Key.Configuration, StringComparer.Ordinal)
                .Select(g => new RolloutConfiguration
                {
                    ConfigurationName = g.Key.Configuration,
                    Tag = g.Key.Tag.Length == 0 ? null : g.Key.Tag,
                    Percent = g.Sum(t => t.Percent),
                    Revisions = [new RolloutRevision { RevisionName = g.First().Revision, Percent = g.Sum(t => t.Percent) }],
                }),
        ],
    };

    /// <summary>Null for text that is no rollout: then there is no state to go on from.</summary>
    public static Rollout? Parse(string? text)
    {
        try
        {
            return string.IsNullOrEmpty(text) ? null : JsonSerializer.Deserialize(text, RolloutJsonContext.Default.Rollout);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override string ToString() => JsonSerializer.Serialize(this, RolloutJsonContext.Default.Rollout);

    /// <summary>The state that follows <paramref name="previous"/> on the way to this goal.</summary>
    /// <param name="duration">Zero moves everything at once.</param>
    /// <param name="isIngressReady">The data plane has taken over what it was last told: time to plan the steps.</param>
    public Rollout Step(Rollout? previous, TimeSpan duration, bool isIngressReady, DateTimeOffset now)
    {
        if (previous is null || duration <= TimeSpan.Zero)
        {
            return this;
        }

        var nanoseconds = (now - DateTimeOffset.UnixEpoch).Ticks * 100;
        return new Rollout
        {
            Configurations =
            [
                .. Configurations.Select(goal =>
                    previous.Configurations.Find(p => p.ConfigurationName == goal.ConfigurationName && p.Tag == goal.Tag) is { } was
                        ? Step(goal, was, (long)duration.TotalSeconds, isIngressReady, nanoseconds)
                        : goal),
            ],
        };
    }

    /// <summary>When the next step is due; null without one.</summary>
    public TimeSpan? Next(DateTimeOffset now)
    {
        var times = Configurations.Where(c => !c.IsDone && c.StepParams.NextStepTime > 0).Select(c => c.StepParams.NextStepTime).ToList();
        if (times.Count == 0)
        {
            return null;
        }

        var wait = TimeSpan.FromTicks(times.Min() / 100) - (now - DateTimeOffset.UnixEpoch);
        return wait > TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(1);
    }

    private static RolloutConfiguration Step(RolloutConfiguration goal, RolloutConfiguration was, long seconds, bool isReady, long now)
    {
        if (goal.Percent <= 1 || was.Revisions.Count == 0)
        {
            return goal;
        }

        var stack = Resize(was.Revisions, goal.Percent);
        var wanted = goal.Revisions[0].RevisionName;
        var clock = was.StepParams;
        if (stack[^1].RevisionName != wanted)
        {
            // A new latest Revision begins with one percent of the newest one that has any.
            stack.RemoveAll(r => r.RevisionName == wanted);
            var from = stack.FindLastIndex(r => r.Percent > 0);
            if (from < 0)
            {
                return goal;
            }

            stack[from] = stack[from] with { Percent = stack[from].Percent - 1 };
            stack.Add(new RolloutRevision { RevisionName = wanted, Percent = goal.Percent - stack.Sum(r => r.Percent) });
            clock = new RolloutParams { StartTime = now };
        }
        else if (stack.Count > 1 && clock.StepDuration == 0 && isReady)
        {
            clock = Plan(clock, goal.Percent, seconds, now);
        }
        else if (stack.Count > 1 && clock.NextStepTime > 0 && clock.NextStepTime <= now)
        {
            Move(stack, clock.StepSize);
            clock = clock with { NextStepTime = now + clock.StepDuration };
        }

        stack.RemoveAll(r => r.Percent == 0);
        return goal with { Revisions = stack, StepParams = stack.Count > 1 ? clock : new RolloutParams() };
    }

    // A step cannot be shorter than the data plane took to carry out the first one.
    private static RolloutParams Plan(RolloutParams clock, int percent, long seconds, long now)
    {
        var shortest = Math.Max(1, (long)Math.Ceiling((now - clock.StartTime) / (double)Second));
        var left = Math.Max(1, seconds - shortest);
        var steps = Math.Clamp(left / shortest, 1, Math.Max(1, percent - 1));
        var duration = left * Second / steps;
        return clock with
        {
            StepSize = Math.Max(1, (int)Math.Round((percent - 1) / (double)steps)),
            StepDuration = duration,
            NextStepTime = now + duration,
        };
    }

    private static void Move(List<RolloutRevision> stack, int size)
    {
        for (var i = stack.Count - 2; i >= 0 && size > 0; i--)
        {
            var part = Math.Min(size, stack[i].Percent);
            stack[i] = stack[i] with { Percent = stack[i].Percent - part };
            stack[^1] = stack[^1] with { Percent = stack[^1].Percent + part };
            size -= part;
        }
    }

    // More for the Configuration goes to its newest Revision, less is taken from its oldest.
    private static List<RolloutRevision> Resize(List<RolloutRevision> revisions, int percent)
    {
        List<RolloutRevision> stack = [.. revisions];
        var difference = percent - stack.Sum(r => r.Percent);
        if (difference > 0)
        {
            stack[^1] = stack[^1] with { Percent = stack[^1].Percent + difference };
        }

        for (var i = 0; i < stack.Count && difference < 0; i++)
        {
            var part = Math.Min(-difference, stack[i].Percent);
            stack[i] = stack[i] with { Percent = stack[i].Percent - part };
            difference += part;
        }

        while (stack.Count > 1 && stack[0].Percent == 0)
        {
            stack.RemoveAt(0);
        }

        return stack;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Rollout))]
internal sealed partial class RolloutJsonContext : JsonSerializerContext;
