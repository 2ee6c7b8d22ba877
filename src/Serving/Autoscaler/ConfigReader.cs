using System.Globalization;
using Knet.Api.Meta;

namespace Knet.Serving.Autoscaler;

/// <summary>Reads the typed values of a ConfigMap; absent keys take the default.</summary>
internal readonly struct ConfigReader(IReadOnlyDictionary<string, string> data)
{
    public string Text(string key, string fallback) => data.TryGetValue(key, out var text) && text.Length > 0 ? text : fallback;

    public bool Truth(string key, bool fallback) =>
        data.TryGetValue(key, out var text) ? string.Equals(text.Trim(), "true", StringComparison.OrdinalIgnoreCase) : fallback;

    public int Whole(string key, int fallback) => !data.TryGetValue(key, out var text)
        ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"{key} = {text}, must be a whole number of 0 or more");

    public double Number(string key, double fallback, double min, double max)
    {
        if (!data.TryGetValue(key, out var text))
        {
            return fallback;
        }

        return !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || double.IsNaN(number)
            ? throw new FormatException($"{key} = {text}, must be a number")
            : number < min || number > max
                ? throw new FormatException($"{key} = {text}, must be in [{min}, {(max == double.MaxValue ? "∞" : max)}]")
                : number;
    }

    public TimeSpan Duration(string key, TimeSpan fallback, TimeSpan min, TimeSpan max)
    {
        if (!data.TryGetValue(key, out var text))
        {
            return fallback;
        }

        return !GoDuration.TryParse(text, out var value)
            ? throw new FormatException($"{key} = {text}, must be a duration such as 30s or 1m30s")
            : value < min || value > max
                ? throw new FormatException($"{key} = {text}, must be in [{min.TotalSeconds}s, {max.TotalSeconds}s]")
                : value;
    }

    public TimeSpan WholeSeconds(string key, TimeSpan fallback, TimeSpan min, TimeSpan max)
    {
        var value = Duration(key, fallback, min, max);
        return value.Ticks % TimeSpan.TicksPerSecond == 0
            ? value
            : throw new FormatException($"{key} = {data[key]}, must be specified with at most second precision");
    }
}
