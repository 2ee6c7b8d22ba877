using System.Collections.Frozen;

namespace Knet.CloudEvents.Filters;

/// <summary>
/// Which of many consumers want an event. Filters that demand an exact value of <c>type</c>, <c>source</c> or another attribute are looked up
/// by it, so a hundred triggers for a hundred types cost one look-up and one evaluation.
/// </summary>
/// <remarks>Frozen: made anew when a trigger changes, read by every request without a lock.</remarks>
public sealed class FilterIndex<T>
{
    private readonly Entry[] _unindexed;
    private readonly (string Name, FrozenDictionary<string, Entry[]> ByValue)[] _indexes;

    /// <param name="consumers">Each with its filter; matches come out in no particular order.</param>
    public FilterIndex(IEnumerable<(T Consumer, EventFilter Filter)> consumers)
    {
        var entries = consumers.Select(c => new Entry(c.Consumer, c.Filter)).ToArray();
        Count = entries.Length;
        // type tells most events apart, then source; others as they come.
        var keyed = entries.Select(e => (Entry: e, Key: Best(e.Filter.Required))).ToArray();
        _unindexed = [.. keyed.Where(k => k.Key is null).Select(k => k.Entry)];
        _indexes =
        [
            .. keyed.Where(k => k.Key is not null).GroupBy(k => k.Key!.Value.Name).Select(group => (
                group.Key,
                group.GroupBy(k => k.Key!.Value.Value).ToFrozenDictionary(v => v.Key, v => v.Select(k => k.Entry).ToArray()))),
        ];
    }

    /// <summary>How many consumers there are.</summary>
    public int Count { get; }

    /// <summary>Adds the consumers that want the event to <paramref name="matches"/>.</summary>
    public void Match(CloudEvent cloudEvent, List<T> matches)
    {
        foreach (var entry in _unindexed)
        {
            Try(entry, cloudEvent, matches);
        }
        foreach (var (name, byValue) in _indexes)
        {
            if (AttributeText.Formatted(cloudEvent, name) is { } value && byValue.TryGetValue(value, out var entries))
            {
                foreach (var entry in entries)
                {
                    Try(entry, cloudEvent, matches);
                }
            }
        }
    }

    private static void Try(Entry entry, CloudEvent cloudEvent, List<T> matches)
    {
        if (entry.Filter.Match(cloudEvent) != FilterResult.Fail)
        {
            matches.Add(entry.Consumer);
        }
    }

    private static (string Name, string Value)? Best(IEnumerable<(string Name, string Value)> required)
    {
        var sorted = required.OrderBy(r => r.Name switch { AttributeNames.Type => 0, AttributeNames.Source => 1, _ => 2 }).ToArray();
        return sorted.Length == 0 ? null : sorted[0];
    }

    private sealed record Entry(T Consumer, EventFilter Filter);
}
