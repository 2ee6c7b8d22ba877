using System.Globalization;

namespace Knet.CloudEvents.Sql;

internal enum TokenKind
{
    End,
    Word,
    Integer,
    String,
    Symbol,
}

/// <param name="Text">A word as written, a symbol, the value of a string, the digits of a number.</param>
/// <param name="Start">Where it begins in the expression.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Start)
{
    public bool Is(string word) => Kind == TokenKind.Word && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    public bool IsSymbol(string symbol) => Kind == TokenKind.Symbol && Text == symbol;
}

/// <summary>Cuts an expression into tokens. A sign is always a token of its own: the parser knows whether it belongs to a number.</summary>
internal static class Lexer
{
    private static readonly string[] Symbols = ["<=", ">=", "<>", "!=", "(", ")", ",", "=", "<", ">", "+", "-", "*", "/", "%"];

    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (at < text.Length)
        {
            var c = text[at];
            if (c is ' ' or '\t' or '\r' or '\n')
            {
                at++;
            }
            else if (c is '\'' or '"')
            {
                tokens.Add(String(text, ref at));
            }
            else if (IsWord(c))
            {
                var start = at;
                while (at < text.Length && IsWord(text[at]))
                {
                    at++;
                }
                var word = text[start..at];
                tokens.Add(new(word.All(char.IsAsciiDigit) ? TokenKind.Integer : TokenKind.Word, word, start));
            }
            else
            {
                var symbol = Array.Find(Symbols, s => string.CompareOrdinal(text, at, s, 0, s.Length) == 0)
                    ?? throw new CesqlParseException(string.Create(CultureInfo.InvariantCulture, $"unexpected character U+{(int)c:X4}"), at);
                tokens.Add(new(TokenKind.Symbol, symbol, at));
                at += symbol.Length;
            }
        }
        tokens.Add(new(TokenKind.End, "", text.Length));
        return tokens;
    }

    private static Token String(string text, ref int at)
    {
        var start = at;
        var quote = text[at++];
        while (at < text.Length)
        {
            if (text[at] == '\\')
            {
                at += 2;
            }
            else if (text[at] != quote)
            {
                at++;
            }
            else if (at + 1 < text.Length && text[at + 1] == quote)
            {
                // Upstream takes a doubled quote and leaves it doubled.
                at += 2;
            }
            else
            {
                var value = text[(start + 1)..at++];
                return new(TokenKind.String, value.Replace($"\\{quote}", quote.ToString(), StringComparison.Ordinal), start);
            }
        }
        throw new CesqlParseException("the string is not closed", start);
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
