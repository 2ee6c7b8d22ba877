using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary>
/// The JSON paths of printer columns: <c>.a.b</c>, <c>['a']</c>, <c>.a\.b</c>, <c>[0]</c>, <c>[*]</c>,
/// <c>[?(@.type=="Ready")]</c>. Parsed once.
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Func<JsonElement, IEnumerable<JsonElement>>> _steps = [];

    /// <summary>A path that cannot be read finds nothing.</summary>
    public static JsonPath Parse(string text)
    {
        var path = new JsonPath();
        var source = text.Trim().TrimStart('{').TrimEnd('}');
        var i = source.StartsWith('$') ? 1 : 0;
        while (i < source.Length)
        {
            i = source[i] switch
            {
                '.' => path.ReadMember(source, i + 1),
                '[' => path.ReadBracket(source, i + 1),
                _ => path.ReadMember(source, i),
            };
        }

        return path;
    }

    public IReadOnlyList<JsonElement> Find(JsonElement root)
    {
        IReadOnlyList<JsonElement> found = [root];
        foreach (var step in _steps)
        {
            found = [.. found.SelectMany(step)];
            if (found.Count == 0)
            {
                break;
            }
        }

        return found;
    }

    private int ReadMember(string source, int i)
    {
        var name = new StringBuilder();
        for (; i < source.Length && source[i] is not ('.' or '['); i++)
        {
            if (source[i] == '\\' && i + 1 < source.Length)
            {
                i++;
            }

            name.Append(source[i]);
        }

        if (name.Length > 0)
        {
            AddMember(name.ToString());
        }

        return i;
    }

    private int ReadBracket(string source, int i)
    {
        var end = ClosingBracket(source, i);
        var inner = source[i..end].Trim();
        if (inner.StartsWith("?(", StringComparison.Ordinal) && inner.EndsWith(')'))
        {
            AddFilter(inner[2..^1]);
        }
        else if (inner.Length > 1 && inner[0] is '\'' or '"')
        {
            AddMember(inner[1..^1].Replace("\\.", ".", StringComparison.Ordinal));
        }
        else if (inner == "*")
        {
            _steps.Add(e => e.ValueKind == JsonValueKind.Object ? e.EnumerateObject().Select(m => m.Value) : e.Items());
        }
        else if (int.TryParse(inner, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
        {
            _steps.Add(e =>
            {
                var items = e.Items().ToList();
                var at = index < 0 ? items.Count + index : index;
                return at >= 0 && at < items.Count ? [items[at]] : [];
            });
        }
        else
        {
            _steps.Add(_ => []);
        }

        return end + 1;
    }

    private static int ClosingBracket(string source, int i)
    {
        var depth = 0;
        var quote = '\0';
        for (; i < source.Length; i++)
        {
            var c = source[i];
            if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
            }
            else if (c is '\'' or '"')
            {
                quote = c;
            }
            else if (c == '[')
            {
                depth++;
            }
            else if (c == ']' && depth-- == 0)
            {
                return i;
            }
        }

        return source.Length;
    }

    private void AddMember(string name)
    {
        if (name == "*")
        {
            _steps.Add(e => e.ValueKind == JsonValueKind.Object ? e.EnumerateObject().Select(m => m.Value) : e.Items());
            return;
        }

        _steps.Add(e => e.At(name) is { ValueKind: not JsonValueKind.Undefined } value ? [value] : []);
    }

    private void AddFilter(string condition)
    {
        foreach (var op in new[] { "==", "!=" })
        {
            var at = condition.IndexOf(op, StringComparison.Ordinal);
            if (at < 0)
            {
                continue;
            }

            var left = Parse(condition[..at].Trim().TrimStart('@'));
            var right = condition[(at + 2)..].Trim().Trim('\'', '"');
            _steps.Add(e => e.Items().Where(item =>
                (left.Find(item) is [var found, ..] && (found.ValueKind == JsonValueKind.String ? found.GetString() : found.GetRawText()) == right)
                    == (op == "==")));
            return;
        }

        var exists = Parse(condition.Trim().TrimStart('@'));
        _steps.Add(e => e.Items().Where(item => exists.Find(item).Count > 0));
    }
}
