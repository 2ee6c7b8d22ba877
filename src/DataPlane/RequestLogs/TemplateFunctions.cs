using System.Globalization;
using System.Text;

namespace Knet.DataPlane.RequestLogs;

/// <summary>
/// The functions of templates, as Go defines them: <c>js html urlquery print println printf index len not and or eq ne lt le gt ge</c>.
/// </summary>
internal static class TemplateFunctions
{
    private static readonly Dictionary<string, Func<IReadOnlyList<object?>, object?>> All = new(StringComparer.Ordinal)
    {
        ["js"] = static a => Js(Joined(a)),
        ["html"] = static a => Html(Joined(a)),
        ["urlquery"] = static a => Uri.EscapeDataString(Joined(a)).Replace("%20", "+", StringComparison.Ordinal),
        ["print"] = static a => Joined(a),
        ["println"] = static a => string.Join(' ', a.Select(Text)) + "\n",
        ["printf"] = Printf,
        ["index"] = Index,
        ["len"] = static a => (long)(Only(a) switch
        {
            string text => Encoding.UTF8.GetByteCount(text),
            IReadOnlyList<string> list => list.Count,
            var other => throw new FormatException($"len of {Text(other)}: only texts and lists have a length"),
        }),
        ["not"] = static a => !IsTrue(Only(a)),
        ["and"] = static a => a.FirstOrDefault(v => !IsTrue(v), a.Count > 0 ? a[^1] : null),
        ["or"] = static a => a.FirstOrDefault(IsTrue, a.Count > 0 ? a[^1] : null),
        ["eq"] = static a => a.Count > 1 ? a.Skip(1).Any(v => AreEqual(a[0], v)) : throw Missing(2),
        ["ne"] = static a => !AreEqual(Two(a).First, a[1]),
        ["lt"] = static a => Compare(a) < 0,
        ["le"] = static a => Compare(a) <= 0,
        ["gt"] = static a => Compare(a) > 0,
        ["ge"] = static a => Compare(a) >= 0,
    };

    public static bool IsKnown(string name) => All.ContainsKey(name);

    /// <exception cref="FormatException">The function cannot take these arguments.</exception>
    public static object? Call(string name, IReadOnlyList<object?> arguments)
    {
        try
        {
            return All[name](arguments);
        }
        catch (FormatException e)
        {
            throw new FormatException($"error calling {name}: {e.Message}", e);
        }
    }

    public static bool IsTrue(object? value) => value switch
    {
        null or false or "" or 0L or 0.0 => false,
        IReadOnlyList<string> list => list.Count > 0,
        _ => true,
    };

    /// <summary>A value as Go's <c>%v</c> prints it.</summary>
    public static string Text(object? value) => value switch
    {
        null => "<nil>",
        string text => text,
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        IReadOnlyList<string> list => $"[{string.Join(' ', list)}]",
        _ => value.ToString() ?? "",
    };

    /// <summary>The shortest digits that mean this number; with an exponent below 1e-4 and from 1e21.</summary>
    private static string Number(double value)
    {
        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        for (var digits = 0; digits < 16; digits++)
        {
            var shorter = value.ToString($"E{digits}", CultureInfo.InvariantCulture);
            if (double.Parse(shorter, CultureInfo.InvariantCulture).Equals(value))
            {
                text = shorter;
                break;
            }
        }

        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        }

        var mark = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = int.Parse(text.AsSpan(mark + 1), CultureInfo.InvariantCulture);
        if (value != 0 && exponent is < -4 or >= 21)
        {
            return $"{text[..mark]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        var sign = text[0] == '-' ? "-" : "";
        var all = text[sign.Length..mark].Replace(".", "", StringComparison.Ordinal);
        return exponent < 0 ? $"{sign}0.{new string('0', -exponent - 1)}{all}"
            : all.Length <= exponent + 1 ? sign + all.PadRight(exponent + 1, '0')
            : $"{sign}{all[..(exponent + 1)]}.{all[(exponent + 1)..]}";
    }

    private static string Joined(IReadOnlyList<object?> arguments) => string.Concat(arguments.Select(Text));

    private static string Js(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c switch
            {
                '\\' or '\'' or '"' => result.Append('\\').Append(c),
                '<' or '>' or '&' or '=' or < ' ' or '\u007f' => result.Append($"\\u{(int)c:X4}"),
                _ => result.Append(c),
            };
        }

        return result.ToString();
    }

    private static string Html(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);

    private static object? Index(IReadOnlyList<object?> arguments)
    {
        var value = arguments.Count > 0 ? arguments[0] : throw Missing(1);
        foreach (var key in arguments.Skip(1))
        {
            value = (value, key) switch
            {
                (Headers headers, string name) => headers.Of(name),
                (IReadOnlyList<string> list, long at) when at >= 0 && at < list.Count => list[(int)at],
                (IReadOnlyList<string> list, long at) => throw new FormatException($"index {at} out of range: there are {list.Count}"),
                _ => throw new FormatException($"{Text(value)} has nothing under {Text(key)}"),
            };
        }

        return value;
    }

    private static string Printf(IReadOnlyList<object?> arguments)
    {
        var format = arguments.Count > 0 && arguments[0] is string text ? text : throw Missing(1);
        var result = new StringBuilder();
        var next = 1;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || ++i >= format.Length || format[i] == '%')
            {
                result.Append(i < format.Length ? format[i] : '%');
                continue;
            }

            var start = i;
            while (i < format.Length - 1 && (char.IsAsciiDigit(format[i]) || format[i] is '.' or '-'))
            {
                i++;
            }

            var value = next < arguments.Count ? arguments[next++] : throw new FormatException($"\"{format}\" needs more arguments");
            result.Append(Formatted(value, format[i], format[start..i]));
        }

        return result.ToString();
    }

    private static string Formatted(object? value, char verb, string widths)
    {
        var parts = widths.Split('.');
        var decimals = parts.Length > 1 && int.TryParse(parts[1], CultureInfo.InvariantCulture, out var given) ? given : 6;
        var text = verb switch
        {
            'v' or 's' => Text(value),
            'q' => $"\"{Text(value).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
            'd' when value is long number => number.ToString(CultureInfo.InvariantCulture),
            'f' when value is double number => number.ToString($"F{Math.Min(decimals, 30)}", CultureInfo.InvariantCulture),
            't' when value is bool => Text(value),
            _ => throw new FormatException($"%{verb} cannot show {Text(value)}; known are %v %s %q, %d for whole numbers, %f, %t"),
        };
        var width = int.TryParse(parts[0], CultureInfo.InvariantCulture, out var wanted) ? Math.Clamp(wanted, -200, 200) : 0;
        return width < 0 ? text.PadRight(-width) : text.PadLeft(width);
    }

    private static bool AreEqual(object? left, object? right) => (left, right) switch
    {
        (long a, double b) => a == b,
        (double a, long b) => a == b,
        _ => Equals(left, right),
    };

    private static int Compare(IReadOnlyList<object?> arguments) => Two(arguments) switch
    {
        (string a, string b) => string.CompareOrdinal(a, b),
        (long or double, long or double) and var (a, b) =>
            Convert.ToDouble(a, CultureInfo.InvariantCulture).CompareTo(Convert.ToDouble(b, CultureInfo.InvariantCulture)),
        var (a, b) => throw new FormatException($"{Text(a)} and {Text(b)} cannot be compared"),
    };

    private static object? Only(IReadOnlyList<object?> arguments) => arguments.Count == 1 ? arguments[0] : throw Missing(1);

    private static (object? First, object? Second) Two(IReadOnlyList<object?> arguments) =>
        arguments.Count == 2 ? (arguments[0], arguments[1]) : throw Missing(2);

    private static FormatException Missing(int count) => new($"wrong number of arguments, {count} wanted");
}
