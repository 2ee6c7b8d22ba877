using System.Globalization;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Kube.Config;

/// <summary>Reads the values of one ConfigMap; a bad one becomes a <see cref="FormatException"/> that names key, value and what is
/// expected.</summary>
public sealed class ConfigReader(IReadOnlyDictionary<string, string> data)
{
    /// <summary>The value under the first of the keys that is there, trimmed; null when none is.</summary>
    public string? Find(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (data.TryGetValue(key, out var value))
            {
                return value.Trim();
            }
        }

        return null;
    }

    public string Text(string key, string fallback, string? legacy = null) =>
        (legacy is null ? Find(key) : Find(key, legacy)) is { Length: > 0 } value ? value : fallback;

    public bool Flag(string key, bool fallback) => Find(key) switch
    {
        null or "" => fallback,
        var text when bool.TryParse(text, out var value) => value,
        var text => throw Bad(key, text, "true or false"),
    };

    public long Whole(string key, long fallback, long lowest = long.MinValue)
    {
        if (Find(key) is not { Length: > 0 } text)
        {
            return fallback;
        }

        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            throw Bad(key, text, "a whole number");
        }

        return value >= lowest ? value : throw Bad(key, text, $"at least {lowest}");
    }

    public TimeSpan Duration(string key, TimeSpan fallback, string? legacy = null)
    {
        if ((legacy is null ? Find(key) : Find(key, legacy)) is not { Length: > 0 } text)
        {
            return fallback;
        }

        return GoDuration.TryParse(text, out var value) ? value : throw Bad(key, text, "a duration such as 30s or 5m");
    }

    /// <summary>A quantity as written, or null.</summary>
    public string? Amount(string key, string? legacy = null)
    {
        if ((legacy is null ? Find(key) : Find(key, legacy)) is not { Length: > 0 } text)
        {
            return null;
        }

        return Quantities.TryParse(text, out _) ? text : throw Bad(key, text, "a quantity such as 100m or 64Mi");
    }

    /// <summary>One of some words, compared without regard to case; answered in lower case.</summary>
    public string Choice(string key, string fallback, string? legacy, params string[] words)
    {
        var text = Text(key, fallback, legacy).ToLowerInvariant();
        return words.Contains(text) ? text : throw Bad(key, text, string.Join(", ", words));
    }

    public GoTemplate Template(string key, string fallback)
    {
        try
        {
            return GoTemplate.Parse(Text(key, fallback));
        }
        catch (FormatException e)
        {
            throw new FormatException($"{key}: {e.Message}", e);
        }
    }

    public static FormatException Bad(string key, string value, string expected) =>
        new($"{key}: \"{value}\" is not valid, expected {expected}");
}
