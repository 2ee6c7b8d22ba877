using System.Globalization;

namespace Knet.CloudEvents.Sql;

/// <summary>The functions that every engine has (§3.5). Lengths and positions count characters, never half of one.</summary>
internal static class BuiltInFunctions
{
    public static CesqlFunction[] All { get; } =
    [
        Of("INT", CesqlType.Integer, [CesqlType.Any], a => Cast(a[0], CesqlType.Integer)),
        Of("BOOL", CesqlType.Boolean, [CesqlType.Any], a => Cast(a[0], CesqlType.Boolean)),
        Of("STRING", CesqlType.String, [CesqlType.Any], a => Cast(a[0], CesqlType.String)),
        Of("IS_INT", CesqlType.Boolean, [CesqlType.Any], a => (CesqlValue.Of(Cast(a[0], CesqlType.Integer).Error is null), null)),
        Of("IS_BOOL", CesqlType.Boolean, [CesqlType.Any], a => (CesqlValue.Of(Cast(a[0], CesqlType.Boolean).Error is null), null)),
        Of("ABS", CesqlType.Integer, [CesqlType.Integer], a => a[0].Number == int.MinValue
            ? (CesqlValue.Of(int.MaxValue), new(CesqlErrorKind.Math, "ABS: the value does not fit an Integer"))
            : (CesqlValue.Of(Math.Abs(a[0].Number)), null)),
        Of("LENGTH", CesqlType.Integer, [CesqlType.String], a => (CesqlValue.Of(Length(a[0].ToString())), null)),
        new("CONCAT", [], CesqlType.String, CesqlType.String, a => (CesqlValue.Of(string.Concat(a.Select(v => v.ToString()))), null)),
        new("CONCAT_WS", [CesqlType.String], CesqlType.String, CesqlType.String,
            a => (CesqlValue.Of(string.Join(a[0].ToString(), a.Skip(1).Select(v => v.ToString()))), null)),
        Of("LOWER", CesqlType.String, [CesqlType.String], a => (CesqlValue.Of(a[0].ToString().ToLowerInvariant()), null)),
        Of("UPPER", CesqlType.String, [CesqlType.String], a => (CesqlValue.Of(a[0].ToString().ToUpperInvariant()), null)),
        Of("TRIM", CesqlType.String, [CesqlType.String], a => (CesqlValue.Of(a[0].ToString().Trim()), null)),
        Of("LEFT", CesqlType.String, [CesqlType.String, CesqlType.Integer], a => Side("LEFT", a[0].ToString(), a[1].Number, isLeft: true)),
        Of("RIGHT", CesqlType.String, [CesqlType.String, CesqlType.Integer], a => Side("RIGHT", a[0].ToString(), a[1].Number, isLeft: false)),
        Of("SUBSTRING", CesqlType.String, [CesqlType.String, CesqlType.Integer], a => Substring(a[0].ToString(), a[1].Number, int.MaxValue)),
        Of("SUBSTRING", CesqlType.String, [CesqlType.String, CesqlType.Integer, CesqlType.Integer],
            a => Substring(a[0].ToString(), a[1].Number, a[2].Number)),
    ];

    private static CesqlFunction Of(
        string name, CesqlType result, CesqlType[] parameters, Func<CesqlValue[], (CesqlValue Value, CesqlError? Error)> call) =>
        new(name, parameters, null, result, call);

    private static (CesqlValue Value, CesqlError? Error) Cast(CesqlValue value, CesqlType type)
    {
        CesqlError? error = null;
        return (value.Cast(type, ref error), error);
    }

    private static int Length(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            count++;
        }
        return count;
    }

    /// <summary>The part of a text from one character to another, by code points.</summary>
    private static string Slice(string text, int from, int count)
    {
        var (index, start, end) = (0, text.Length, text.Length);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (at == from)
            {
                start = index;
            }
            if (at - from == count)
            {
                end = index;
                break;
            }
            index += rune.Utf16SequenceLength;
            at++;
        }
        return start >= end ? "" : text[start..end];
    }

    private static (CesqlValue Value, CesqlError? Error) Side(string function, string text, int count, bool isLeft)
    {
        if (count < 0)
        {
            return (CesqlValue.Of(text), Bad($"{function}: {Number(count)} is negative"));
        }
        var length = Length(text);
        return (CesqlValue.Of(count >= length ? text : isLeft ? Slice(text, 0, count) : Slice(text, length - count, count)), null);
    }

    private static (CesqlValue Value, CesqlError? Error) Substring(string text, int position, int count)
    {
        var length = Length(text);
        if (position > length || position < -length)
        {
            return (CesqlValue.Of(""), Bad($"SUBSTRING: position {Number(position)} is outside of a text of {Number(length)} characters"));
        }
        if (count < 0)
        {
            return (CesqlValue.Of(""), Bad($"SUBSTRING: length {Number(count)} is negative"));
        }
        return (CesqlValue.Of(position == 0 ? "" : Slice(text, position > 0 ? position - 1 : length + position, count)), null);
    }

    private static CesqlError Bad(string message) => new(CesqlErrorKind.FunctionEvaluation, message);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
