using Knet.CloudEvents.Sql;

namespace Knet.CloudEvents.Filters;

/// <summary>Turns what a Trigger says into a filter, once per change of the Trigger.</summary>
public static class FilterCompiler
{
    /// <summary>
    /// The filter of a Trigger: <paramref name="filters"/> when there are any (all must hold), else <paramref name="attributes"/>.
    /// Entries that say nothing or cannot be understood are left out, as upstream does: they do not hold deliveries back.
    /// </summary>
    /// <param name="onInvalid">Told of each entry that was left out because it is not valid.</param>
    /// <param name="functions">Functions beside CESQL's own, by upper-case name.</param>
    public static EventFilter Compile(
        IReadOnlyList<FilterSpec>? filters, IReadOnlyDictionary<string, string>? attributes, Action<string>? onInvalid = null,
        IReadOnlyList<CesqlFunction>? functions = null)
    {
        if (filters is { Count: > 0 })
        {
            var parts = All(filters, "filters", onInvalid, functions);
            return parts.Length == 1 ? parts[0] : new AllFilter(parts);
        }
        return new LegacyFilter(attributes is null ? [] : [.. attributes.Select(a => (a.Key, a.Value))]);
    }

    private static EventFilter[] All(
        IReadOnlyList<FilterSpec> specs, string path, Action<string>? onInvalid, IReadOnlyList<CesqlFunction>? functions) =>
        [.. specs.Select((s, i) => One(s, $"{path}[{i}]", onInvalid, functions)).OfType<EventFilter>()];

    private static EventFilter? One(FilterSpec spec, string path, Action<string>? onInvalid, IReadOnlyList<CesqlFunction>? functions)
    {
        if (spec.Cesql is { Length: > 0 } sql)
        {
            try
            {
                return new CesqlFilter(CesqlExpression.Parse(sql, functions));
            }
            catch (CesqlParseException e)
            {
                onInvalid?.Invoke($"{path}.cesql: {e.Message}");
                return null;
            }
        }
        return spec switch
        {
            { Exact: { } map } => Compared(Comparison.Exact, map, path + ".exact", onInvalid),
            { Prefix: { } map } => Compared(Comparison.Prefix, map, path + ".prefix", onInvalid),
            { Suffix: { } map } => Compared(Comparison.Suffix, map, path + ".suffix", onInvalid),
            { All: { } all } => new AllFilter(All(all, path + ".all", onInvalid, functions)),
            { Any: { } any } => new AnyFilter(All(any, path + ".any", onInvalid, functions)),
            { Not: { } not } => One(not, path + ".not", onInvalid, functions) is { } inner ? new NotFilter(inner) : null,
            _ => null,
        };
    }

    private static ComparisonFilter? Compared(
        Comparison comparison, IReadOnlyDictionary<string, string> map, string path, Action<string>? onInvalid)
    {
        if (map.FirstOrDefault(e => e.Key.Length == 0 || e.Value.Length == 0) is { Key: not null } bad)
        {
            onInvalid?.Invoke($"{path}[{bad.Key}]: an attribute and its value must not be empty");
            return null;
        }
        return new(comparison, [.. map.Select(e => (e.Key, e.Value))]);
    }
}
