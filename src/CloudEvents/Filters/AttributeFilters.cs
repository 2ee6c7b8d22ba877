namespace Knet.CloudEvents.Filters;

/// <summary>How a dialect compares.</summary>
internal enum Comparison
{
    Exact,
    Prefix,
    Suffix,
}

/// <summary>exact, prefix and suffix: every attribute must be there and hold.</summary>
internal sealed class ComparisonFilter(Comparison comparison, (string Name, string Value)[] entries) : EventFilter
{
    internal override IEnumerable<(string Name, string Value)> Required => comparison == Comparison.Exact ? entries : [];

    public override FilterResult Match(CloudEvent cloudEvent)
    {
        foreach (var (name, value) in entries)
        {
            if (!Holds(cloudEvent, name, value))
            {
                return FilterResult.Fail;
            }
        }
        return entries.Length == 0 ? FilterResult.No : FilterResult.Pass;
    }

    public override string Explain(CloudEvent cloudEvent)
    {
        foreach (var (name, value) in entries)
        {
            if (!Holds(cloudEvent, name, value))
            {
                var verb = comparison switch { Comparison.Exact => "must equal", Comparison.Prefix => "must begin with", _ => "must end with" };
                return $"{name} {verb} \"{value}\", {Have(cloudEvent, name)}";
            }
        }
        return "passes";
    }

    private bool Holds(CloudEvent cloudEvent, string name, string value) =>
        AttributeText.Formatted(cloudEvent, name) is { } actual && comparison switch
        {
            Comparison.Exact => actual == value,
            Comparison.Prefix => actual.StartsWith(value, StringComparison.Ordinal),
            _ => actual.EndsWith(value, StringComparison.Ordinal),
        };
}

/// <summary><c>filter.attributes</c>: every key must be found and equal; "" is any value that is not empty.</summary>
internal sealed class LegacyFilter((string Name, string Value)[] entries) : EventFilter
{
    internal override IEnumerable<(string Name, string Value)> Required => entries.Where(e => e.Value.Length > 0 && IsIndexable(e.Name));

    public override FilterResult Match(CloudEvent cloudEvent)
    {
        foreach (var (name, value) in entries)
        {
            if (!Holds(cloudEvent, name, value))
            {
                return FilterResult.Fail;
            }
        }
        return entries.Length == 0 ? FilterResult.No : FilterResult.Pass;
    }

    public override string Explain(CloudEvent cloudEvent)
    {
        foreach (var (name, value) in entries)
        {
            if (!Holds(cloudEvent, name, value))
            {
                return $"{name} must {(value.Length == 0 ? "have a value" : $"equal \"{value}\"")}, {Have(cloudEvent, name)}";
            }
        }
        return "passes";
    }

    // An absent time "equals" the year 1: too odd for the index.
    private static bool IsIndexable(string name) => name != AttributeNames.Time;

    private static bool Holds(CloudEvent cloudEvent, string name, string value)
    {
        var actual = AttributeText.Legacy(cloudEvent, name, out var isFound);
        return isFound && (value.Length == 0 ? actual is not "" : actual == value);
    }
}
