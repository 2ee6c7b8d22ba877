using System.Text;

namespace Knet.CloudEvents.Sql;

/// <summary>A pattern of LIKE: <c>%</c> any run, <c>_</c> one character, <c>\%</c> and <c>\_</c> themselves.</summary>
internal sealed class LikePattern
{
    // Outside of Unicode, so that no text has them.
    private const int Run = -1;
    private const int One = -2;

    private readonly int[] _pattern;

    public LikePattern(string text)
    {
        var pattern = new List<int>();
        var isEscaped = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (isEscaped && rune.Value is not ('%' or '_'))
            {
                pattern.Add('\\');
            }
            if (!isEscaped && rune.Value == '\\')
            {
                isEscaped = true;
                continue;
            }
            // After a backslash that escapes nothing, a second one may begin an escape.
            if (isEscaped && rune.Value == '\\')
            {
                continue;
            }
            pattern.Add(isEscaped ? rune.Value : rune.Value switch { '%' => Run, '_' => One, var other => other });
            isEscaped = false;
        }
        if (isEscaped)
        {
            pattern.Add('\\');
        }
        _pattern = [.. pattern];
    }

    /// <summary>In time of at most text × pattern: on a mismatch only the last % is tried further.</summary>
    public bool Matches(string text)
    {
        var (at, p, star, starAt) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            if (p < _pattern.Length && (_pattern[p] == One || _pattern[p] == rune.Value))
            {
                at += length;
                p++;
            }
            else if (p < _pattern.Length && _pattern[p] == Run)
            {
                (star, starAt) = (p++, at);
            }
            else if (star >= 0)
            {
                Rune.DecodeFromUtf16(text.AsSpan(starAt), out _, out length);
                at = starAt += length;
                p = star + 1;
            }
            else
            {
                return false;
            }
        }
        while (p < _pattern.Length && _pattern[p] == Run)
        {
            p++;
        }
        return p == _pattern.Length;
    }
}
