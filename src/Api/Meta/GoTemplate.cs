using System.Text;

namespace Knet.Api.Meta;

/// <summary>
/// The part of Go's text templates that Knative's configuration uses: text, <c>{{.Field}}</c>, <c>{{.Map.key}}</c>,
/// <c>{{index .Map "key"}}</c> and trim markers (<c>{{-</c>, <c>-}}</c>).
/// </summary>
public sealed class GoTemplate
{
    private readonly List<Part> _parts = [];

    private GoTemplate()
    {
    }

    /// <exception cref="FormatException">The text is no template of this subset; the message says where and why.</exception>
    public static GoTemplate Parse(string text)
    {
        var template = new GoTemplate();
        var at = 0;
        var trimNext = false;
        while (at < text.Length)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            var literal = open < 0 ? text[at..] : text[at..open];
            literal = trimNext ? literal.TrimStart() : literal;
            if (open < 0)
            {
                template._parts.Add(new Part(literal, null, null));
                return template;
            }

            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                throw new FormatException($"template {text}: unclosed action");
            }

            var action = text[(open + 2)..close];
            var trimsBefore = action.StartsWith("- ", StringComparison.Ordinal);
            trimNext = action.Length > 2 && action.EndsWith(" -", StringComparison.Ordinal);
            template._parts.Add(new Part(trimsBefore ? literal.TrimEnd() : literal, null, null));
            action = trimsBefore ? action[1..] : action;
            action = trimNext ? action[..^1] : action;
            template._parts.Add(ParseAction(text, action.Trim()));
            at = close + 2;
        }

        return template;
    }

    /// <summary>Fills in the values: strings, or string maps. An absent map key gives an empty text.</summary>
    /// <exception cref="FormatException">A field that is not in <paramref name="values"/>.</exception>
    public string Render(IReadOnlyDictionary<string, object?> values)
    {
        var result = new StringBuilder();
        foreach (var part in _parts)
        {
            if (part.Field is null)
            {
                result.Append(part.Text);
                continue;
            }

            if (!values.TryGetValue(part.Field, out var value))
            {
                throw new FormatException($"template: can't evaluate field {part.Field}; known are {string.Join(", ", values.Keys)}");
            }

            result.Append(part.Key is null ? value as string : Lookup(value, part.Key));
        }

        return result.ToString();
    }

    private static string? Lookup(object? value, string key) => value switch
    {
        IDictionary<string, string> map => map.TryGetValue(key, out var found) ? found : "",
        IReadOnlyDictionary<string, string> map => map.TryGetValue(key, out var found) ? found : "",
        _ => "",
    };

    private static Part ParseAction(string text, string action)
    {
        if (action.StartsWith("index ", StringComparison.Ordinal))
        {
            var words = action.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 3 && words[1].StartsWith('.') && words[2].Length > 1 && words[2][0] is '"' or '`' &&
                words[2][^1] == words[2][0])
            {
                return new Part("", words[1][1..], words[2][1..^1]);
            }
        }
        else if (action.StartsWith('.') && action.Length > 1 && action.IndexOfAny([' ', '|', '(', '"']) < 0)
        {
            var path = action[1..].Split('.', 2);
            return new Part("", path[0], path.Length == 2 ? path[1] : null);
        }

        throw new FormatException($"template {text}: {{{{{action}}}}} is not understood; use {{{{.Field}}}} or {{{{index .Map \"key\"}}}}");
    }

    private readonly record struct Part(string Text, string? Field, string? Key);
}
