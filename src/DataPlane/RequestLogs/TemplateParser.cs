namespace Knet.DataPlane.RequestLogs;

/// <summary>Reads a template: text and actions into nodes. Errors name the line and the action.</summary>
internal sealed class TemplateParser(string text)
{
    private const int DepthMax = 50;

    private readonly List<(bool IsAction, string Text, int Line)> _pieces = [];
    private int _next;
    private int _depth;

    /// <exception cref="FormatException"/>
    public IReadOnlyList<TemplateNode> Parse()
    {
        Split();
        var nodes = Nodes(out var end);
        return end is null ? nodes : throw Bad(_pieces[_next - 1].Line, $"unexpected {{{{{end}}}}}");
    }

    /// <summary>Nodes up to the <c>end</c> or <c>else</c> that belongs to whoever asks.</summary>
    /// <param name="end">The action that ended them; null at the end of the text.</param>
    private List<TemplateNode> Nodes(out string? end)
    {
        var nodes = new List<TemplateNode>();
        while (_next < _pieces.Count)
        {
            var (isAction, content, line) = _pieces[_next++];
            if (!isAction)
            {
                nodes.Add(new TextNode(content));
                continue;
            }

            var (word, rest) = FirstWord(content);
            if (word == "end" || word == "else")
            {
                end = content;
                return nodes;
            }

            if (word is "if" or "with")
            {
                nodes.Add(Choice(word, rest, line));
            }
            else if (word is "range" or "define" or "template" or "block" or "break" or "continue")
            {
                throw Bad(line, $"{{{{{word}}}}} is not known in request logs; a line has no lists");
            }
            else
            {
                nodes.Add(new OutputNode(Read(content, line)));
            }
        }

        end = null;
        return nodes;
    }

    private ChoiceNode Choice(string word, string condition, int line)
    {
        if (++_depth > DepthMax)
        {
            throw Bad(line, $"more than {DepthMax} conditions in one another");
        }

        var value = Read(condition, line);
        var then = Nodes(out var end);
        List<TemplateNode> otherwise = [];
        if (end is { } and not "end")
        {
            var (next, rest) = FirstWord(FirstWord(end).Tail);
            if (next is "if" or "with")
            {
                otherwise = [Choice(next, rest, line)];
                end = "end"; // the inner one has read it
            }
            else
            {
                otherwise = Nodes(out end);
            }
        }

        _depth--;
        return end == "end"
            ? new ChoiceNode(value, word == "with", then, otherwise)
            : throw Bad(line, $"{{{{{word} {condition}}}}} has no {{{{end}}}}");
    }

    private Expression Read(string action, int line)
    {
        try
        {
            return new ExpressionParser(action).Parse();
        }
        catch (FormatException e)
        {
            throw Bad(line, $"{{{{{action}}}}}: {e.Message}");
        }
    }

    private static (string Word, string Tail) FirstWord(string content)
    {
        var end = content.AsSpan().IndexOfAny(" \t\n(");
        return end < 0 ? (content, "") : (content[..end], content[end..].Trim());
    }

    private void Split()
    {
        var (at, line, trims) = (0, 1, false);
        while (true)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            var literal = open < 0 ? text[at..] : text[at..open];
            line += literal.Count(c => c == '\n');
            literal = trims ? literal.TrimStart() : literal;
            if (open < 0)
            {
                Add(literal);
                return;
            }

            var close = End(open + 2, line);
            var action = text[(open + 2)..close];
            var trimsBefore = action.Length > 1 && action[0] == '-' && char.IsWhiteSpace(action[1]);
            trims = action.Length > 1 && action[^1] == '-' && char.IsWhiteSpace(action[^2]);
            Add(trimsBefore ? literal.TrimEnd() : literal);
            action = (trimsBefore ? action[1..] : action)[..^(trims ? 1 : 0)].Trim();
            if (!(action.StartsWith("/*", StringComparison.Ordinal) && action.EndsWith("*/", StringComparison.Ordinal)))
            {
                _pieces.Add(action.Length > 0 ? (true, action, line) : throw Bad(line, "missing value for command"));
            }

            line += action.Count(c => c == '\n');
            at = close + 2;
        }
    }

    private void Add(string literal)
    {
        if (literal.Length > 0)
        {
            _pieces.Add((false, literal, 0));
        }
    }

    // Braces in quotes end nothing.
    private int End(int at, int line)
    {
        var quote = '\0';
        for (; at < text.Length; at++)
        {
            var c = text[at];
            if (quote != '\0')
            {
                at += c == '\\' && quote == '"' ? 1 : 0;
                quote = c == quote ? '\0' : quote;
            }
            else if (c is '"' or '`')
            {
                quote = c;
            }
            else if (c == '}' && at + 1 < text.Length && text[at + 1] == '}')
            {
                return at;
            }
        }

        throw Bad(line, "unclosed action");
    }

    private static FormatException Bad(int line, string why) => new($"template: requestLog:{line}: {why}");
}
