using System.Text.Json;
using Knet.Api.Meta;

namespace Knet.Serving.Webhook;

/// <summary>Finds the quantity that could not be read: its parser knows the text, but not the field.</summary>
internal static class QuantityFields
{
    private const string Form = "is not a quantity such as 500m, 2 or 64Mi";

    /// <returns>What to tell the author, the field and its value; null when all quantities can be read.</returns>
    public static string? FindWrong(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        return Find(document.RootElement, "", isQuantity: false);
    }

    private static string? Find(JsonElement value, string path, bool isQuantity) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject()
            .Select(p => Find(p.Value, path.Length == 0 ? p.Name : $"{path}.{p.Name}", IsQuantity(p.Name, path)))
            .FirstOrDefault(f => f is not null),
        JsonValueKind.Array => value.EnumerateArray().Select((v, i) => Find(v, $"{path}[{i}]", isQuantity: false))
            .FirstOrDefault(f => f is not null),
        JsonValueKind.String or JsonValueKind.Number when isQuantity && !Quantities.TryParse(value.ToString(), out _) =>
            $"field {path}: \"{value}\" {Form}",
        _ => null,
    };

    private static bool IsQuantity(string name, string path) => name == "sizeLimit" ||
        path.EndsWith(".resources.limits", StringComparison.Ordinal) || path.EndsWith(".resources.requests", StringComparison.Ordinal);
}
