using Knet.Api.Meta;

namespace Knet.Serving.Objects;

/// <summary>Labels and annotations: read, filtered, compared. Results are sorted, so that equal content gives equal bytes.</summary>
internal static class Maps
{
    public static string? Find(this IDictionary<string, string>? map, string key) =>
        map is not null && map.TryGetValue(key, out var value) ? value : null;

    /// <summary>A sorted copy of what the predicate keeps.</summary>
    public static SortedDictionary<string, string> Keep(IDictionary<string, string>? map, Func<string, bool>? isKept = null)
    {
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in map ?? Empty)
        {
            if (isKept is null || isKept(key))
            {
                result[key] = value;
            }
        }

        return result;
    }

    public static SortedDictionary<string, string> With(this SortedDictionary<string, string> map, string key, string? value)
    {
        if (value is not null)
        {
            map[key] = value;
        }

        return map;
    }

    public static bool Same(IDictionary<string, string>? one, IDictionary<string, string>? other) =>
        (one?.Count ?? 0) == (other?.Count ?? 0) && Holds(one, other);

    /// <summary>Whether all of <paramref name="part"/> stands in the map.</summary>
    public static bool Holds(IDictionary<string, string>? map, IDictionary<string, string>? part)
    {
        foreach (var (key, value) in part ?? Empty)
        {
            if (map is null || !map.TryGetValue(key, out var found) || found != value)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Equal as JSON: records with lists compare by reference otherwise.</summary>
    public static bool SameJson<T>(T one, T other) =>
        ReferenceEquals(one, other) || KubeJson.Serialize(one).AsSpan().SequenceEqual(KubeJson.Serialize(other));

    private static readonly Dictionary<string, string> Empty = [];
}
