using System.Globalization;
using System.Text;

namespace Knet.DataPlane.RequestLogs;

/// <summary>Reads what stands in one action: a pipeline of commands.</summary>
internal sealed class ExpressionParser(string text)
{
    private const int DepthMax = 50;

    private int _at;
    private int _depth;

    public Expression Parse()
    {
        var result = Pipeline();
        return _at == text.Length ? result : throw new FormatException($"unexpected \"{text[_at..]}\"");
    }

    private Expression Pipeline()
    {
        if (++_depth > DepthMax)
        {
            throw new FormatException($"more than {DepthMax} parentheses in one another");
        }

        var value = Command(null);
        while (Skip('|'))
        {
            value = Command(value);
        }

        _depth--;
        return value;
    }

    /// <param name="piped">The value before a <c>|</c>: the last argument.</param>
    private Expression Command(Expression? piped)
    {
        var name = Word();
        var head = name is null ? Operand() : null;
        var arguments = new List<Expression>();
        while (!AtEnd())
        {
            arguments.Add(Operand());
        }

        if (piped is not null)
        {
            arguments.Add(piped);
        }

        return (name, head) switch
        {
            ({ } function, _) when TemplateFunctions.IsKnown(function) => new Call(function, arguments),
            ({ } function, _) => Literal(function) is { } literal && arguments.Count == 0
                ? literal
                : throw new FormatException($"function \"{function}\" not defined"),
            (_, FieldOf field) => field with { Arguments = [.. field.Arguments, .. arguments] },
            _ when arguments.Count == 0 => head!,
            _ => throw new FormatException("only functions and fields take arguments"),
        };
    }

    private Expression Operand()
    {
        SkipSpace();
        var c = _at < text.Length ? text[_at] : throw new FormatException("something is missing at the end");
        Expression value;
        if (c == '(')
        {
            _at++;
            value = Pipeline();
            value = Skip(')') ? value : throw new FormatException("unclosed left paren");
        }
        else if (c is '"' or '`')
        {
            value = new Constant(Quoted(c));
        }
        else if (c == '$')
        {
            _at++;
            value = _at == text.Length || !IsLetter(text[_at])
                ? new Dot(true)
                : throw new FormatException("variables are not known in request logs");
        }
        else if (c == '.')
        {
            value = new Dot(false);
            _at += _at + 1 < text.Length && IsLetter(text[_at + 1]) ? 0 : 1;
        }
        else if (char.IsAsciiDigit(c) || c is '-' or '+')
        {
            value = Number();
        }
        else
        {
            var word = Word() ?? throw new FormatException($"unexpected \"{c}\"");
            value = Literal(word)
                ?? (TemplateFunctions.IsKnown(word) ? new Call(word, []) : throw new FormatException($"function \"{word}\" not defined"));
        }

        while (_at + 1 < text.Length && text[_at] == '.' && IsLetter(text[_at + 1]))
        {
            _at++;
            value = new FieldOf(value, Word()!, []);
        }

        return value;
    }

    private static Expression? Literal(string word) => word switch
    {
        "true" => new Constant(true),
        "false" => new Constant(false),
        "nil" => new Constant(null),
        _ => null,
    };

    private Constant Number()
    {
        var start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '.' or '-' or '+'))
        {
            _at++;
        }

        var number = text[start.._at];
        return long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? new Constant(whole)
            : double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? new Constant(real)
            : throw new FormatException($"bad number \"{number}\"");
    }

    private string Quoted(char quote)
    {
        var result = new StringBuilder();
        for (_at++; _at < text.Length && text[_at] != quote; _at++)
        {
            if (quote == '"' && text[_at] == '\\' && _at + 1 < text.Length)
            {
                _at++;
                result.Append(text[_at] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
            }
            else
            {
                result.Append(text[_at]);
            }
        }

        _at++;
        return _at <= text.Length ? result.ToString() : throw new FormatException("unterminated quoted string");
    }

    private string? Word()
    {
        SkipSpace();
        var start = _at;
        while (_at < text.Length && (IsLetter(text[_at]) || (_at > start && char.IsAsciiDigit(text[_at]))))
        {
            _at++;
        }

        return _at > start ? text[start.._at] : null;
    }

    private bool AtEnd()
    {
        SkipSpace();
        return _at == text.Length || text[_at] is '|' or ')';
    }

    private bool Skip(char wanted)
    {
        SkipSpace();
        if (_at < text.Length && text[_at] == wanted)
        {
            _at++;
            return true;
        }

        return false;
    }

    private void SkipSpace()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private static bool IsLetter(char c) => char.IsLetter(c) || c == '_';
}
