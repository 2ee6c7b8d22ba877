using System.Buffers;
using System.Globalization;

namespace Knet.Api.Meta;

/// <summary>Durations as Go writes them: <c>300ms</c>, <c>1h30m</c>, <c>-1.5s</c>, <c>0</c>.</summary>
public static class GoDuration
{
    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    // Go counts nanoseconds in 64 bits: about 292 years.
    private const decimal TicksMax = long.MaxValue / 100;

    /// <summary>False for anything that Go's <c>time.ParseDuration</c> refuses. Precision is 100 ns; finer parts are rounded up.</summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        var rest = (text ?? "").AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        if (rest is "0")
        {
            return true;
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        var ticks = 0m;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberChars);
            if (digits <= 0 ||
                !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var unitEnd = rest.IndexOfAny(NumberChars);
            var unit = unitEnd < 0 ? rest : rest[..unitEnd];
            if (TicksOf(unit) is not { } size || number > TicksMax / size)
            {
                return false;
            }

            ticks += number * size;
            rest = rest[unit.Length..];
        }

        if (ticks > TicksMax)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)Math.Ceiling(ticks) * (negative ? -1 : 1));
        return true;
    }

    /// <summary>As Go prints it: <c>1h0m0s</c>, <c>6s</c>, <c>1.5s</c>, <c>300ms</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var sign = duration < TimeSpan.Zero ? "-" : "";
        var abs = duration.Duration();
        if (abs < TimeSpan.FromSeconds(1))
        {
            return sign + (abs < TimeSpan.FromMilliseconds(1)
                ? Number(abs.TotalMicroseconds) + "µs"
                : Number(abs.TotalMilliseconds) + "ms");
        }

        var seconds = Number(abs.Seconds + ((double)(abs.Ticks % TimeSpan.TicksPerSecond) / TimeSpan.TicksPerSecond)) + "s";
        var hours = (long)abs.TotalHours;
        return sign + (hours > 0 ? $"{hours}h{abs.Minutes}m{seconds}" : abs.Minutes > 0 ? $"{abs.Minutes}m{seconds}" : seconds);
    }

    private static string Number(double value) => value.ToString("0.#######", CultureInfo.InvariantCulture);

    private static decimal? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 0.01m,
        "us" or "µs" or "μs" => TimeSpan.TicksPerMicrosecond,
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        _ => null,
    };
}
