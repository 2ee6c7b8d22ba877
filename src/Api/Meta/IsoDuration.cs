using System.Globalization;
using System.Text.RegularExpressions;

namespace Knet.Api.Meta;

/// <summary>
/// Durations as ISO 8601 writes them: <c>PT0.2S</c>, <c>PT1M30S</c>, <c>P1DT2H</c>, <c>-PT5S</c>. A year counts 365.2425 days, a month a
/// twelfth of it.
/// </summary>
public static partial class IsoDuration
{
    private const decimal DaysOfYear = 365.2425m;

    /// <summary>The seconds of a unit, in the order of the pattern's groups.</summary>
    private static readonly (string Group, decimal Seconds)[] Units =
    [
        ("Y", DaysOfYear * 86400), ("N", DaysOfYear * 86400 / 12), ("W", 7 * 86400), ("D", 86400), ("H", 3600), ("M", 60), ("S", 1),
    ];

    /// <summary>False for a text that is no duration, or one of more than 10,000 years.</summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        if (text is null || Pattern().Match(text) is not { Success: true } match || text[^1] is 'P' or 'T')
        {
            return false;
        }

        var seconds = 0m;
        foreach (var (group, size) in Units)
        {
            if (match.Groups[group] is not { Success: true } part)
            {
                continue;
            }

            if (!decimal.TryParse(part.Value.Replace(',', '.'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ||
                number > 10_000 * DaysOfYear * 86400 / size)
            {
                return false;
            }

            seconds += number * size;
        }

        if (seconds > 10_000 * DaysOfYear * 86400)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond) * (match.Groups["sign"].Value == "-" ? -1 : 1));
        return true;
    }

    [GeneratedRegex(
        @"^(?<sign>[+-])?P(?:(?<Y>\d+(?:[.,]\d+)?)Y)?(?:(?<N>\d+(?:[.,]\d+)?)M)?(?:(?<W>\d+(?:[.,]\d+)?)W)?(?:(?<D>\d+(?:[.,]\d+)?)D)?" +
        @"(?:T(?:(?<H>\d+(?:[.,]\d+)?)H)?(?:(?<M>\d+(?:[.,]\d+)?)M)?(?:(?<S>\d+(?:[.,]\d+)?)S)?)?\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
