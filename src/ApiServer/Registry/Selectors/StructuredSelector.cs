using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Selectors;

/// <summary>A selector as objects carry it: matchLabels and matchExpressions.</summary>
internal static class StructuredSelector
{
    public static bool Matches(JsonObject selector, JsonObject? labels)
    {
        foreach (var (key, value) in selector.Object("matchLabels") ?? [])
        {
            if (labels.Text(key) is not { } actual || actual != value?.ToString())
            {
                return false;
            }
        }

        return selector.Items("matchExpressions").All(e => Holds(e, labels));
    }

    private static bool Holds(JsonObject expression, JsonObject? labels)
    {
        var value = labels.Text(expression.Text("key") ?? "");
        return expression.Text("operator") switch
        {
            "In" => value is not null && expression.Texts("values").Contains(value),
            "NotIn" => value is null || !expression.Texts("values").Contains(value),
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            _ => false,
        };
    }
}
