using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Knet.ApiServer.Schemas;

/// <summary>The rules for strings and numbers of a structural schema.</summary>
internal static class ScalarValidation
{
    private const string Invalid = "FieldValueInvalid";
    private static readonly ConcurrentDictionary<string, Regex?> Patterns = new(StringComparer.Ordinal);

    public static void Validate(SchemaNode schema, JsonValue value, FieldPath path, Action<FieldPath, string, string> add)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.String:
                ValidateString(schema, value.GetValue<string>(), path, add);
                break;
            case JsonValueKind.Number:
                ValidateNumber(schema, value, path, add);
                break;
        }
    }

    /// <summary>Whether a number has no fraction (<c>1.0</c> counts as an integer, as in Kubernetes).</summary>
    public static bool IsInteger(JsonNode value)
    {
        var text = value.ToJsonString();
        return text.AsSpan().IndexOfAny('.', 'e', 'E') < 0
            || (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Floor(number) == number);
    }

    private static void ValidateString(SchemaNode schema, string text, FieldPath path, Action<FieldPath, string, string> add)
    {
        var length = -1L;
        if (schema.MaxLength is { } most && (length = Length(text)) > most)
        {
            add(path, "FieldValueTooLong", $"Too long: may not be more than {most} bytes");
        }

        if (schema.MinLength is { } least && (length < 0 ? Length(text) : length) < least)
        {
            add(path, Invalid, $"Invalid value: {Quote(text)}: {path} in body should be at least {least} chars long");
        }

        if (schema.Pattern is { } pattern && PatternOf(pattern) is { } regex && !regex.IsMatch(text))
        {
            add(path, Invalid, $"Invalid value: {Quote(text)}: {path} in body should match '{pattern}'");
        }

        if (schema.Format is { } format && !StringFormats.Has(format, text))
        {
            add(path, Invalid, $"Invalid value: {Quote(text)}: {path} in body must be of type {format}: {Quote(text)}");
        }
    }

    private static void ValidateNumber(SchemaNode schema, JsonValue value, FieldPath path, Action<FieldPath, string, string> add)
    {
        if (schema is { Minimum: null, Maximum: null, MultipleOf: null, Format: null })
        {
            return;
        }

        var text = value.ToJsonString();
        var number = double.Parse(text, CultureInfo.InvariantCulture);
        void Broken(string rule) => add(path, Invalid, $"Invalid value: {text}: {path} in body {rule}");

        if (schema.Minimum is { } least && (schema.ExclusiveMinimum ? number <= least : number < least))
        {
            Broken($"should be greater than {(schema.ExclusiveMinimum ? "" : "or equal to ")}{SchemaValidation.Number(least)}");
        }

        if (schema.Maximum is { } most && (schema.ExclusiveMaximum ? number >= most : number > most))
        {
            Broken($"should be less than {(schema.ExclusiveMaximum ? "" : "or equal to ")}{SchemaValidation.Number(most)}");
        }

        if (schema.MultipleOf is { } factor && Math.Abs(Math.IEEERemainder(number, factor)) > 1e-9)
        {
            Broken($"should be a multiple of {SchemaValidation.Number(factor)}");
        }

        if (schema.Format == "int32" && number is > int.MaxValue or < int.MinValue)
        {
            Broken($"must be of type int32: {Quote(text)}");
        }
    }

    private static long Length(string text)
    {
        var count = 0L;
        foreach (var _ in text.EnumerateRunes())
        {
            count++;
        }

        return count;
    }

    private static string Quote(string text) => SchemaValidation.Text(JsonValue.Create(text));

    // Patterns come from whoever may create CRDs: no backtracking where .NET can avoid it, and a bound where it cannot.
    private static Regex? PatternOf(string pattern) => Patterns.GetOrAdd(pattern, static p =>
    {
        try
        {
            return new Regex(p, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return new Regex(p, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(100));
        }
        catch (ArgumentException)
        {
            return null;
        }
    });
}
