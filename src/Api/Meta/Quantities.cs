using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Knet.Api.Meta;

/// <summary>
/// Reading Kubernetes quantities (<c>250m</c>, <c>1.5Gi</c>, <c>1e3</c>). The model's own parser computes whatever power is written, which for
/// <c>1e999999</c> takes minutes; here an exponent has at most two digits, more than any quantity can hold (2^63 − 1).
/// </summary>
public static partial class Quantities
{
    private const int LengthMax = 64;

    public static bool TryParse([NotNullWhen(true)] string? text, out decimal value)
    {
        value = 0;
        if (text is null or { Length: > LengthMax } || !Form().IsMatch(text))
        {
            return false;
        }

        try
        {
            value = new ResourceQuantity(text).ToDecimal();
            return true;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            return false;
        }
    }

    /// <summary>Decodes quantities from strings and numbers, and refuses what <see cref="TryParse"/> refuses.</summary>
    internal sealed class Converter : JsonConverter<ResourceQuantity>
    {
        public override ResourceQuantity? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.Null)
            {
                return null;
            }

            using var element = JsonDocument.ParseValue(ref reader);
            var text = element.RootElement.ValueKind == JsonValueKind.String ? element.RootElement.GetString() : element.RootElement.GetRawText();
            return TryParse(text, out _)
                ? new ResourceQuantity(text)
                : throw new JsonException($"\"{text}\" is no quantity: it must be a number with an optional suffix, such as 500m, 1.5 or 64Mi");
        }

        public override void Write(Utf8JsonWriter writer, ResourceQuantity value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }

    [GeneratedRegex(@"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?\z")]
    private static partial Regex Form();
}
