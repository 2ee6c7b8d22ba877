using System.Globalization;

namespace Knet.CloudEvents.Sql;

/// <summary>The types of CESQL (§3.1).</summary>
public enum CesqlType : byte
{
    Boolean,
    Integer,
    String,

    /// <summary>Of a parameter: any type is taken as it is. Of a result: not known before evaluation.</summary>
    Any,
}

/// <summary>A value of CESQL: a Boolean, a 32-bit Integer or a String.</summary>
public readonly record struct CesqlValue
{
    private readonly int _number;
    private readonly string? _text;

    private CesqlValue(CesqlType type, int number, string? text) => (Type, _number, _text) = (type, number, text);

    public CesqlType Type { get; }

    /// <summary>Whether this is the Boolean true.</summary>
    public bool IsTrue => Type == CesqlType.Boolean && _number != 0;

    /// <summary>The value of an Integer, 1 or 0 of a Boolean.</summary>
    public int Number => _number;

    /// <summary>As CESQL casts to String: decimal, or <c>true</c> and <c>false</c>.</summary>
    public override string ToString() => Type switch
    {
        CesqlType.String => _text!,
        CesqlType.Integer => _number.ToString(CultureInfo.InvariantCulture),
        _ => _number != 0 ? "true" : "false",
    };

    public static CesqlValue Of(bool value) => new(CesqlType.Boolean, value ? 1 : 0, null);

    public static CesqlValue Of(int value) => new(CesqlType.Integer, value, null);

    public static CesqlValue Of(string value) => new(CesqlType.String, 0, value);

    /// <summary>What an expression of this type is worth after an error.</summary>
    public static CesqlValue Zero(CesqlType type) => type switch
    {
        CesqlType.Integer => Of(0),
        CesqlType.String => Of(""),
        _ => Of(false),
    };

    /// <summary>Casts (§3.7).</summary>
    /// <param name="type">The wanted type; <see cref="CesqlType.Any"/> changes nothing.</param>
    /// <param name="error">Why it cannot be cast; the result is the type's zero value then.</param>
    public CesqlValue Cast(CesqlType type, ref CesqlError? error)
    {
        if (type == Type || type == CesqlType.Any)
        {
            return this;
        }
        switch (type)
        {
            case CesqlType.String:
                return Of(ToString());
            case CesqlType.Integer when Type == CesqlType.Boolean:
                return Of(_number);
            case CesqlType.Integer when int.TryParse(_text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                return Of(number);
            case CesqlType.Boolean when Type == CesqlType.Integer:
                return Of(_number != 0);
            case CesqlType.Boolean when string.Equals(_text, "true", StringComparison.OrdinalIgnoreCase):
                return Of(true);
            case CesqlType.Boolean when string.Equals(_text, "false", StringComparison.OrdinalIgnoreCase):
                return Of(false);
            default:
                error = new(CesqlErrorKind.Cast, $"\"{_text}\" cannot be cast to {type}");
                return Zero(type);
        }
    }
}
