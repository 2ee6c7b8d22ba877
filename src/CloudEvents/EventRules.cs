using System.Globalization;

namespace Knet.CloudEvents;

/// <summary>What makes an event valid (CloudEvents 1.0 and 0.3, §Context Attributes and §Type System).</summary>
internal static class EventRules
{
    private static readonly string[] Required = [AttributeNames.SpecVersion, AttributeNames.Id, AttributeNames.Source, AttributeNames.Type];

    public static void Check(ReadOnlySpan<EventAttribute> attributes)
    {
        Span<bool> found = [false, false, false, false];
        for (var i = 0; i < attributes.Length; i++)
        {
            Check(attributes[i]);
            for (var j = 0; j < i; j++)
            {
                if (attributes[j].Name == attributes[i].Name)
                {
                    throw CloudEventException.Bad($"{attributes[i].Name}: given twice");
                }
            }
            for (var r = 0; r < Required.Length; r++)
            {
                found[r] |= attributes[i].Name == Required[r];
            }
        }
        for (var r = 0; r < Required.Length; r++)
        {
            if (!found[r])
            {
                throw CloudEventException.Bad($"{Required[r]}: missing; every event must have specversion, id, source and type");
            }
        }
    }

    public static void Check(in EventAttribute attribute)
    {
        var (name, value) = (attribute.Name, attribute.Value);
        if (!AttributeNames.IsValid(name) || name == "data")
        {
            throw CloudEventException.Bad($"\"{Printable(name)}\": not an attribute name; only lower-case letters a-z and digits are allowed");
        }
        CheckText(name, value);
        switch (name)
        {
            case AttributeNames.SpecVersion when value is not ("1.0" or "0.3"):
                throw CloudEventException.Bad($"specversion: \"{Printable(value)}\" is not supported; send 1.0 (or 0.3)");
            case AttributeNames.Id or AttributeNames.Source or AttributeNames.Type or AttributeNames.Subject or AttributeNames.DataSchema
                when value.Length == 0:
                throw CloudEventException.Bad($"{name}: empty; it must be a non-empty string");
            case AttributeNames.Source when !IsUriReference(value):
                throw CloudEventException.Bad($"source: \"{Printable(value)}\" is not a URI reference");
            case AttributeNames.DataSchema or AttributeNames.SchemaUrl when !IsUriReference(value):
                throw CloudEventException.Bad($"{name}: \"{Printable(value)}\" is not a URI");
            case AttributeNames.Time when !IsTime(value):
                throw CloudEventException.Bad($"time: \"{Printable(value)}\" is not an RFC 3339 time such as 2026-11-30T18:00:00Z");
        }
        if (attribute.Kind != AttributeKind.String && name is AttributeNames.SpecVersion or AttributeNames.Id or AttributeNames.Source
            or AttributeNames.Type && attribute.Kind != AttributeKind.String)
        {
            throw CloudEventException.Bad($"{name}: must be a string");
        }
    }

    public static bool IsTime(string text) => ParseTime(text) is not null;

    /// <summary>RFC 3339: any number of decimals, <c>Z</c> or an offset, a leap second.</summary>
    public static DateTimeOffset? ParseTime(string text)
    {
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't' or ' ') || text[13] != ':' || text[16] != ':')
        {
            return null;
        }
        var zone = text.AsSpan(19);
        if (zone[0] == '.')
        {
            var digits = zone[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits <= 0)
            {
                return null;
            }
            zone = zone[(digits + 1)..];
        }
        var isZone = zone is "Z" or "z" || (zone.Length == 6 && zone[0] is '+' or '-' && zone[3] == ':');
        // .NET knows seven decimals and no leap second.
        var fraction = text.Length - zone.Length > 27 ? text[19..27] : text[19..^zone.Length];
        var second = text.AsSpan(17, 2) is "60" ? "59" : text[17..19];
        var normal = $"{text[..10]}T{text[11..17]}{second}{fraction}{(zone is "z" ? "Z" : zone)}";
        return isZone && DateTimeOffset.TryParseExact(
            normal, fraction.Length == 0 ? "yyyy-MM-dd'T'HH:mm:ssK" : "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }

    private static void CheckText(string name, string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (c is < ' ' or (>= '\u007f' and <= '\u009f'))
            {
                throw CloudEventException.Bad($"{name}: has the control character U+{(int)c:X4} at position {i}; attributes are printable text");
            }
            if (char.IsSurrogate(c))
            {
                if (!char.IsHighSurrogate(c) || i + 1 == value.Length || !char.IsLowSurrogate(value[i + 1]))
                {
                    throw CloudEventException.Bad($"{name}: has half a character at position {i}");
                }
                i++;
            }
        }
    }

    private static bool IsUriReference(string value) =>
        !value.Contains(' ', StringComparison.Ordinal) && Uri.TryCreate(value, UriKind.RelativeOrAbsolute, out _);

    private static string Printable(string text)
    {
        var cut = text.Length > 60 ? text[..60] + "…" : text;
        return string.Create(cut.Length, cut, (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? '?' : from[i];
            }
        });
    }
}
