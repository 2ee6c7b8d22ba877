using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Selectors;

/// <summary>A label selector in its text form: <c>a=b,c!=d,e in (x,y),f notin (z),g,!h</c>.</summary>
public sealed class LabelSelector
{
    private static readonly System.Buffers.SearchValues<char> KeyEnds = System.Buffers.SearchValues.Create("=!,() ");

    private readonly List<Requirement> _requirements = [];

    private enum Operator
    {
        In,
        NotIn,
        Exists,
        Absent,
    }

    public static LabelSelector Everything { get; } = new();

    public bool IsEmpty => _requirements.Count == 0;

    /// <exception cref="KubeException">400: the text is no selector.</exception>
    public static LabelSelector Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return Everything;
        }

        var selector = new LabelSelector();
        var rest = text.AsSpan().Trim();
        while (rest.Length > 0)
        {
            rest = selector.ParseOne(rest, text);
        }

        return selector;
    }

    public bool Matches(IDictionary<string, string>? labels)
    {
        foreach (var requirement in _requirements)
        {
            string? value = null;
            var present = labels is not null && labels.TryGetValue(requirement.Key, out value);
            var holds = requirement.Operator switch
            {
                Operator.In => present && requirement.Values.Contains(value!),
                Operator.NotIn => !present || !requirement.Values.Contains(value!),
                Operator.Exists => present,
                _ => !present,
            };
            if (!holds)
            {
                return false;
            }
        }

        return true;
    }

    private static KubeException Wrong(string text, string why) =>
        Refusals.BadRequest($"unable to parse requirement: {why} (in label selector \"{text}\")");

    private ReadOnlySpan<char> ParseOne(ReadOnlySpan<char> rest, string text)
    {
        if (rest[0] == '!')
        {
            var absent = Key(rest[1..], text, out rest);
            _requirements.Add(new(absent, Operator.Absent, []));
            return Next(rest, text);
        }

        var key = Key(rest, text, out rest);
        if (rest.Length == 0 || rest[0] == ',')
        {
            _requirements.Add(new(key, Operator.Exists, []));
            return Next(rest, text);
        }

        if (rest[0] is '=' or '!')
        {
            return ParseEquality(key, rest, text);
        }

        var negative = rest.StartsWith("notin", StringComparison.Ordinal);
        if (!negative && !rest.StartsWith("in", StringComparison.Ordinal))
        {
            throw Wrong(text, $"found '{rest}', expected: in, notin, =, ==, !=");
        }

        rest = rest[(negative ? 5 : 2)..].TrimStart();
        var close = rest.IndexOf(')');
        if (rest.Length == 0 || rest[0] != '(' || close < 0)
        {
            throw Wrong(text, $"found '{rest}', expected: '(' and ')'");
        }

        var values = rest[1..close].ToString().Split(',').Select(v => v.Trim()).ToArray();
        CheckValues(key, values, text);
        _requirements.Add(new(key, negative ? Operator.NotIn : Operator.In, values));
        return Next(rest[(close + 1)..], text);
    }

    private ReadOnlySpan<char> ParseEquality(string key, ReadOnlySpan<char> rest, string text)
    {
        var negative = rest[0] == '!';
        if (negative && (rest.Length < 2 || rest[1] != '='))
        {
            throw Wrong(text, $"found '{rest}', expected: !=");
        }

        rest = rest[(negative || rest.StartsWith("==", StringComparison.Ordinal) ? 2 : 1)..];
        var end = rest.IndexOf(',');
        var value = (end < 0 ? rest : rest[..end]).Trim().ToString();
        CheckValues(key, [value], text);
        _requirements.Add(new(key, negative ? Operator.NotIn : Operator.In, [value]));
        return Next(end < 0 ? default : rest[end..], text);
    }

    private static string Key(ReadOnlySpan<char> rest, string text, out ReadOnlySpan<char> after)
    {
        rest = rest.TrimStart();
        var end = rest.IndexOfAny(KeyEnds);
        var key = (end < 0 ? rest : rest[..end]).ToString();
        after = end < 0 ? default : rest[end..].TrimStart();
        return key.Length == 0 ? throw Wrong(text, $"found '{rest}', expected: identifier")
            : DnsNames.IsQualifiedName(key) ? key
            : throw Wrong(text, $"key: Invalid value: \"{key}\": {DnsNames.QualifiedNameMessage}");
    }

    private static ReadOnlySpan<char> Next(ReadOnlySpan<char> rest, string text)
    {
        rest = rest.TrimStart();
        if (rest.Length == 0)
        {
            return rest;
        }

        if (rest[0] != ',' || rest[1..].Trim().Length == 0)
        {
            throw Wrong(text, $"found '{rest}', expected: ',' and a further requirement, or the end");
        }

        return rest[1..].TrimStart();
    }

    private static void CheckValues(string key, string[] values, string text)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i].Length > 63 || !DnsNames.HasLabelCharacters(values[i]))
            {
                throw Wrong(text, $"values[{i}][{key}]: Invalid value: \"{values[i]}\": {DnsNames.LabelValueMessage}");
            }
        }
    }

    private sealed record Requirement(string Key, Operator Operator, string[] Values);
}
