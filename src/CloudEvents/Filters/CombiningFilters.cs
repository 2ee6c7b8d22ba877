namespace Knet.CloudEvents.Filters;

/// <summary>all: Fail if one fails, else the last result; empty says nothing.</summary>
internal sealed class AllFilter(EventFilter[] parts) : EventFilter
{
    internal override IEnumerable<(string Name, string Value)> Required => parts.SelectMany(p => p.Required);

    public override FilterResult Match(CloudEvent cloudEvent)
    {
        var last = FilterResult.No;
        foreach (var part in parts)
        {
            last = part.Match(cloudEvent);
            if (last == FilterResult.Fail)
            {
                return last;
            }
        }
        return last;
    }

    public override string Explain(CloudEvent cloudEvent) =>
        parts.FirstOrDefault(p => p.Match(cloudEvent) == FilterResult.Fail)?.Explain(cloudEvent) ?? "passes";
}

/// <summary>any: Pass if one passes, else the last result; empty says nothing.</summary>
internal sealed class AnyFilter(EventFilter[] parts) : EventFilter
{
    public override FilterResult Match(CloudEvent cloudEvent)
    {
        var last = FilterResult.No;
        foreach (var part in parts)
        {
            last = part.Match(cloudEvent);
            if (last == FilterResult.Pass)
            {
                return last;
            }
        }
        return last;
    }

    public override string Explain(CloudEvent cloudEvent) => Match(cloudEvent) == FilterResult.Fail
        ? "none of any holds: " + string.Join("; ", parts.Select(p => p.Explain(cloudEvent))) : "passes";
}

/// <summary>not: turns Pass and Fail around.</summary>
internal sealed class NotFilter(EventFilter inner) : EventFilter
{
    public override FilterResult Match(CloudEvent cloudEvent) => inner.Match(cloudEvent) switch
    {
        FilterResult.Pass => FilterResult.Fail,
        FilterResult.Fail => FilterResult.Pass,
        _ => FilterResult.No,
    };

    public override string Explain(CloudEvent cloudEvent) => Match(cloudEvent) == FilterResult.Fail ? "what not excludes holds" : "passes";
}
