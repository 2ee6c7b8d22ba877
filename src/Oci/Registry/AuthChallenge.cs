namespace Knet.Oci.Registry;

/// <summary>What a registry wants to see, from a <c>WWW-Authenticate</c> header (RFC 9110, 11.6.1).</summary>
/// <param name="Scheme">In lower case: <c>bearer</c>, <c>basic</c>.</param>
/// <param name="Parameters">By name in lower case: <c>realm</c>, <c>service</c>, <c>scope</c>.</param>
internal sealed record AuthChallenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>All challenges of the headers, in order; what is malformed ends the list.</summary>
    internal static IReadOnlyList<AuthChallenge> Parse(IEnumerable<string> headers)
    {
        var challenges = new List<AuthChallenge>();
        foreach (var header in headers)
        {
            var at = 0;
            Dictionary<string, string>? parameters = null;
            while (true)
            {
                Skip(header, ref at, " \t,");
                var word = Token(header, ref at);
                if (word.Length == 0)
                {
                    break;
                }

                Skip(header, ref at, " \t");
                if (at < header.Length && header[at] == '=' && parameters is not null)
                {
                    at++;
                    Skip(header, ref at, " \t");
                    parameters[word.ToLowerInvariant()] = Value(header, ref at);
                }
                else
                {
                    parameters = [];
                    challenges.Add(new AuthChallenge(word.ToLowerInvariant(), parameters));
                }
            }
        }

        return challenges;
    }

    private static void Skip(string text, ref int at, string characters)
    {
        while (at < text.Length && characters.Contains(text[at]))
        {
            at++;
        }
    }

    private static string Token(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || "!#$%&'*+-.^_`|~".Contains(text[at])))
        {
            at++;
        }

        return text[start..at];
    }

    private static string Value(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '"')
        {
            return Token(text, ref at);
        }

        var value = new System.Text.StringBuilder();
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            value.Append(text[at]);
        }

        at = Math.Min(at + 1, text.Length);
        return value.ToString();
    }
}
