using System.Globalization;

namespace Knet.CloudEvents.Sql;

/// <summary>
/// CESQL by recursive descent, tightest last: AND OR XOR (one level, from the right) · = != &lt;&gt; &lt; &lt;= &gt; &gt;= · + − · * / % ·
/// [NOT] LIKE, [NOT] IN · NOT, − · the rest.
/// </summary>
internal sealed class Parser(string text, IReadOnlyList<CesqlFunction> functions)
{
    /// <summary>How deep parentheses may nest; the parser recurses.</summary>
    private const int DepthMax = 100;

    /// <summary>How many parts an expression may have; evaluation recurses.</summary>
    private const int PartsMax = 2000;

    private static readonly string[] Keywords = ["AND", "OR", "XOR", "NOT", "LIKE", "IN", "EXISTS", "TRUE", "FALSE"];

    private readonly List<Token> _tokens = Lexer.Read(text);
    private int _at;
    private int _depth;

    private Token Current => _tokens[_at];

    public Node Parse()
    {
        if (_tokens.Count > PartsMax)
        {
            throw new CesqlParseException($"the expression has more than {PartsMax} parts", _tokens[PartsMax].Start);
        }
        var node = ParseLogic();
        return Current.Kind == TokenKind.End ? node : throw Unexpected("an operator or the end");
    }

    private Node ParseLogic()
    {
        var operands = new List<Node> { ParseComparison() };
        var operators = new List<Logic>();
        while (Current.Kind == TokenKind.Word)
        {
            Logic? logic = Current.Is("AND") ? Logic.And : Current.Is("OR") ? Logic.Or : Current.Is("XOR") ? Logic.Xor : null;
            if (logic is null)
            {
                break;
            }
            _at++;
            operators.Add(logic.Value);
            operands.Add(ParseComparison());
        }
        var node = operands[^1];
        for (var i = operators.Count - 1; i >= 0; i--)
        {
            node = new LogicNode(operators[i], operands[i], node);
        }
        return node;
    }

    private Node ParseComparison()
    {
        var left = ParseSum();
        while (Current is { Kind: TokenKind.Symbol, Text: "=" or "!=" or "<>" or "<" or "<=" or ">" or ">=" })
        {
            var symbol = _tokens[_at++].Text;
            var right = ParseSum();
            left = symbol is "=" or "!=" or "<>" ? new Equality(symbol == "=", left, right) : new Order(symbol, left, right);
        }
        return left;
    }

    private Node ParseSum()
    {
        var left = ParseProduct();
        while (Current is { Kind: TokenKind.Symbol, Text: "+" or "-" })
        {
            var symbol = _tokens[_at++].Text[0];
            left = new Arithmetic(symbol, left, ParseProduct());
        }
        return left;
    }

    private Node ParseProduct()
    {
        var left = ParsePostfix();
        while (Current is { Kind: TokenKind.Symbol, Text: "*" or "/" or "%" })
        {
            var symbol = _tokens[_at++].Text[0];
            left = new Arithmetic(symbol, left, ParsePostfix());
        }
        return left;
    }

    private Node ParsePostfix()
    {
        var node = ParseUnary();
        while (true)
        {
            var isNot = Current.Is("NOT");
            var next = isNot ? _tokens[_at + 1] : Current;
            if (next.Is("LIKE"))
            {
                _at += isNot ? 2 : 1;
                var pattern = Take(TokenKind.String, "a pattern in quotes");
                node = new Like(!isNot, node, new LikePattern(pattern.Text));
            }
            else if (next.Is("IN"))
            {
                _at += isNot ? 2 : 1;
                TakeSymbol("(");
                node = new In(!isNot, node, ParseList());
            }
            else
            {
                return node;
            }
        }
    }

    private Node ParseUnary()
    {
        if (++_depth > DepthMax)
        {
            throw new CesqlParseException($"the expression nests deeper than {DepthMax}", Current.Start);
        }
        try
        {
            if (Current.Is("NOT"))
            {
                _at++;
                return new Not(ParseUnary());
            }
            if (Current.IsSymbol("-") || Current.IsSymbol("+"))
            {
                // A sign directly before digits is part of the number, so that the smallest Integer can be written.
                var sign = _tokens[_at++];
                if (Current.Kind == TokenKind.Integer && Current.Start == sign.Start + 1)
                {
                    return ParseInteger(sign.Text);
                }
                return sign.Text == "-" ? new Negate(ParseUnary()) : throw new CesqlParseException("+ stands before no number", sign.Start);
            }
            return ParsePrimary();
        }
        finally
        {
            _depth--;
        }
    }

    private Node ParsePrimary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Integer:
                return ParseInteger("");
            case TokenKind.String:
                _at++;
                return new Literal(CesqlValue.Of(token.Text));
            case TokenKind.Symbol when token.Text == "(":
                _at++;
                var inner = ParseLogic();
                TakeSymbol(")");
                return inner;
            case TokenKind.Word when token.Is("TRUE") || token.Is("FALSE"):
                _at++;
                return new Literal(CesqlValue.Of(token.Is("TRUE")));
            case TokenKind.Word when token.Is("EXISTS"):
                _at++;
                return new Exists(ParseAttribute());
            case TokenKind.Word when _tokens[_at + 1].IsSymbol("(") && !IsKeyword(token):
                _at += 2;
                return ParseCall(token);
            case TokenKind.Word:
                return new AttributeNode(ParseAttribute());
            default:
                throw Unexpected("a value");
        }
    }

    private Literal ParseInteger(string sign)
    {
        var token = _tokens[_at++];
        return int.TryParse(sign + token.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? new(CesqlValue.Of(number))
            : throw new CesqlParseException($"{sign}{Cut(token.Text)} does not fit 32 bits", token.Start);
    }

    private string ParseAttribute()
    {
        var token = Current;
        if (token.Kind is not (TokenKind.Word or TokenKind.Integer) || IsKeyword(token) || token.Text.Contains('_', StringComparison.Ordinal))
        {
            throw Unexpected("the name of an attribute");
        }
        _at++;
        return AttributeNames.Known(token.Text.ToLowerInvariant()) ?? token.Text.ToLowerInvariant();
    }

    private Node ParseCall(Token name)
    {
        if (!char.IsAsciiLetter(name.Text[0]))
        {
            throw new CesqlParseException("the name of a function begins with a letter", name.Start);
        }
        Node[] arguments = [];
        if (Current.IsSymbol(")"))
        {
            _at++;
        }
        else
        {
            arguments = ParseList();
        }
        var function = functions.FirstOrDefault(f => f.Takes(name.Text, arguments.Length))
            ?? Array.Find(BuiltInFunctions.All, f => f.Takes(name.Text, arguments.Length));
        return function is null ? new MissingInvocation(name.Text.ToUpperInvariant(), arguments.Length) : new Invocation(function, arguments);
    }

    /// <summary>Expressions with commas between them, to the closing parenthesis.</summary>
    private Node[] ParseList()
    {
        var nodes = new List<Node> { ParseLogic() };
        while (Current.IsSymbol(","))
        {
            _at++;
            nodes.Add(ParseLogic());
        }
        TakeSymbol(")");
        return [.. nodes];
    }

    private Token Take(TokenKind kind, string what) => Current.Kind == kind ? _tokens[_at++] : throw Unexpected(what);

    private void TakeSymbol(string symbol)
    {
        if (!Current.IsSymbol(symbol))
        {
            throw Unexpected($"\"{symbol}\"");
        }
        _at++;
    }

    private CesqlParseException Unexpected(string wanted) => new(
        Current.Kind == TokenKind.End ? $"the expression ends where {wanted} was expected" : $"\"{Current.Text}\" stands where {wanted} was expected",
        Current.Start);

    private static string Cut(string digits) => digits.Length > 20 ? digits[..20] + "…" : digits;

    private static bool IsKeyword(Token token) => Keywords.Any(token.Is);
}
