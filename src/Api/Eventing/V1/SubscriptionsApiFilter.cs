using System.Text.RegularExpressions;
using Knet.Api.Meta;

namespace Knet.Api.Eventing.V1;

/// <summary>A condition on an event, of one dialect. Only one member is set.</summary>
public sealed partial record SubscriptionsApiFilter
{
    /// <summary>All of these hold.</summary>
    public List<SubscriptionsApiFilter>? All { get; init; }

    /// <summary>One of these holds.</summary>
    public List<SubscriptionsApiFilter>? Any { get; init; }

    /// <summary>This does not hold.</summary>
    public SubscriptionsApiFilter? Not { get; init; }

    /// <summary>Attributes that have exactly these values.</summary>
    public Dictionary<string, string>? Exact { get; init; }

    /// <summary>Attributes whose values begin so.</summary>
    public Dictionary<string, string>? Prefix { get; init; }

    /// <summary>Attributes whose values end so.</summary>
    public Dictionary<string, string>? Suffix { get; init; }

    /// <summary>An expression of CloudEvents SQL that is true.</summary>
    public string? Cesql { get; init; }

    /// <param name="path">Where the list stands, such as <c>spec.filters</c>.</param>
    public static void ValidateAll(List<SubscriptionsApiFilter>? filters, string path, EventingPolicy policy, FieldErrors errors)
    {
        for (var i = 0; i < (filters?.Count ?? 0); i++)
        {
            filters![i].Validate($"{path}[{i}]", policy, errors);
        }
    }

    /// <summary>Names of attributes as CloudEvents has them: small letters and digits, a letter first.</summary>
    internal static void ValidateNames(Dictionary<string, string>? attributes, string path, FieldErrors errors)
    {
        foreach (var name in attributes?.Keys ?? Enumerable.Empty<string>())
        {
            if (!AttributeName().IsMatch(name))
            {
                errors.InvalidKey(
                    name, path, "Attribute name must start with a letter and can only contain lowercase alphanumeric");
            }
        }
    }

    private void Validate(string path, EventingPolicy policy, FieldErrors errors)
    {
        object?[] dialects = [All, Any, Not, Exact, Prefix, Suffix, string.IsNullOrEmpty(Cesql) ? null : Cesql];
        if (dialects.Count(d => d is not null) > 1)
        {
            errors.Add("multiple dialects found, filters can have only one dialect set", path);
        }

        ValidateNames(Exact, $"{path}.exact", errors);
        ValidateNames(Prefix, $"{path}.prefix", errors);
        ValidateNames(Suffix, $"{path}.suffix", errors);
        ValidateAll(All, $"{path}.all", policy, errors);
        ValidateAll(Any, $"{path}.any", policy, errors);
        Not?.Validate($"{path}.not", policy, errors);
        if (!string.IsNullOrEmpty(Cesql) && policy.FindCesqlProblem?.Invoke(Cesql) is { } problem)
        {
            errors.Add($"invalid value: {Cesql}", $"{path}.cesql", problem);
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9]*$")]
    private static partial Regex AttributeName();
}
