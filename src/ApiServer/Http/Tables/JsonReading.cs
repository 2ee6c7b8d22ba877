using System.Globalization;
using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary>Reading members that may be missing or of another type than expected.</summary>
internal static class JsonReading
{
    /// <summary>The value at a path of member names; an undefined element when some member is missing.</summary>
    public static JsonElement At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return default;
            }
        }

        return element;
    }

    /// <summary>Text or number at a path as text; empty when missing.</summary>
    public static string Text(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var value = element.At(path);
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            _ => "",
        };
    }

    public static long Number(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : 0;

    public static bool IsTrue(this JsonElement element, params ReadOnlySpan<string> path) => element.At(path).ValueKind == JsonValueKind.True;

    public static bool Has(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static IEnumerable<JsonElement> Items(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    public static IEnumerable<JsonProperty> Members(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject() : [];

    /// <summary>The status of the condition of a type, or empty.</summary>
    public static string Condition(this JsonElement element, string type)
    {
        foreach (var condition in element.Items("status", "conditions"))
        {
            if (condition.Text("type") == type)
            {
                return condition.Text("status");
            }
        }

        return "";
    }

    public static string OrNone(this string text) => text.Length == 0 ? "<none>" : text;

    public static string Invariant(this long number) => number.ToString(CultureInfo.InvariantCulture);
}
