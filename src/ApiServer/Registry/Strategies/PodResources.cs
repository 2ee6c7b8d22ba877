using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>What a container asks for and may have at most.</summary>
internal static class PodResources
{
    private static readonly string[] Standard = ["cpu", "memory", "ephemeral-storage"];

    public static void Validate(JsonObject? resources, string path, FieldErrors errors)
    {
        var limits = Amounts(resources.Object("limits"), path + ".limits", errors);
        foreach (var (name, wanted) in Amounts(resources.Object("requests"), path + ".requests", errors))
        {
            if (limits.TryGetValue(name, out var limit) && wanted.Value > limit.Value)
            {
                errors.Invalid(path + ".requests", wanted.Text, $"must be less than or equal to {name} limit of {limit.Text}");
            }
        }
    }

    private static Dictionary<string, (decimal Value, string Text)> Amounts(JsonObject? list, string path, FieldErrors errors)
    {
        var amounts = new Dictionary<string, (decimal, string)>(StringComparer.Ordinal);
        foreach (var (name, node) in list ?? [])
        {
            var at = $"{path}[{name}]";
            var text = node?.ToString() ?? "";
            if (!Standard.Contains(name) && !name.Contains('/', StringComparison.Ordinal)
                && !name.StartsWith("hugepages-", StringComparison.Ordinal))
            {
                errors.Invalid(at, name, "must be a standard resource for containers");
            }

            if (Parse(text) is not { } value)
            {
                errors.Invalid(at, text, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
            }
            else if (value < 0)
            {
                errors.Invalid(at, text, "must be greater than or equal to 0");
            }
            else
            {
                amounts[name] = (value, text);
            }
        }

        return amounts;
    }

    private static decimal? Parse(string text) => Quantities.TryParse(text, out var value) ? value : null;
}
