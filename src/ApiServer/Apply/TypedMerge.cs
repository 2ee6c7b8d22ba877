using System.Text.Json.Nodes;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;

namespace Knet.ApiServer.Apply;

/// <summary>The two value operations of server-side apply: laying a configuration over an object, and taking fields away.</summary>
internal static class TypedMerge
{
    /// <summary>Lays <paramref name="applied"/> over <paramref name="live"/>, which is used up.</summary>
    /// <exception cref="KubeException">400: a list with keys has an item without them, or two with the same.</exception>
    public static JsonNode? Merge(SchemaNode? schema, JsonNode? live, JsonNode? applied, string path)
    {
        if (applied is JsonObject map && live is JsonObject into && schema?.MapType != "atomic")
        {
            foreach (var (name, value) in map)
            {
                into.Remove(name, out var before);
                into[name] = Merge(ListKeys.Child(schema, name), before, value, $"{path}.{name}");
            }

            return into;
        }

        if (applied is JsonArray list && live is JsonArray items && !ListKeys.IsLeaf(schema, list))
        {
            return MergeLists(schema!, items, list, path);
        }

        return applied?.DeepClone();
    }

    /// <summary>Refuses lists whose items cannot be told apart.</summary>
    /// <exception cref="KubeException">400.</exception>
    public static void CheckKeys(SchemaNode? schema, JsonNode? value, string path)
    {
        switch (value)
        {
            case JsonObject map when schema is not null:
                foreach (var (name, member) in map)
                {
                    CheckKeys(ListKeys.Child(schema, name), member, $"{path}.{name}");
                }

                break;
            case JsonArray list when !ListKeys.IsLeaf(schema, list):
                foreach (var (_, item) in Keyed(schema!, list, path))
                {
                    CheckKeys(schema!.Items, item, path);
                }

                break;
        }
    }

    /// <summary>Removes what is in <paramref name="last"/> from the value, unless something of it is in <paramref name="keep"/>.</summary>
    public static void Remove(SchemaNode? schema, JsonNode? value, FieldSet last, FieldSet keep)
    {
        if (value is JsonObject map && schema?.MapType != "atomic")
        {
            foreach (var (element, below) in last.Children)
            {
                var name = element[2..];
                if (!element.StartsWith("f:", StringComparison.Ordinal) || !map.TryGetPropertyValue(name, out var member))
                {
                    continue;
                }

                if (keep[element] is { IsEmpty: false } kept)
                {
                    Remove(ListKeys.Child(schema, name), member, below, kept);
                }
                else
                {
                    map.Remove(name);
                }
            }
        }
        else if (value is JsonArray list && !ListKeys.IsLeaf(schema, list) && ListKeys.Elements(schema!, list, out _) is { } elements)
        {
            foreach (var (element, item) in elements)
            {
                if (last[element] is not { } below)
                {
                    continue;
                }

                if (keep[element] is { IsEmpty: false } kept)
                {
                    Remove(schema!.Items, item, below, kept);
                }
                else
                {
                    list.Remove(item);
                }
            }
        }
    }

    // Kubernetes' order: items of the configuration come in its order; an item that only the object has keeps its place before the next
    // one that both have. Where nothing says which goes first, the object's own items do.
    private static JsonArray MergeLists(SchemaNode schema, JsonArray live, JsonArray applied, string path)
    {
        var wanted = Keyed(schema, applied, path);
        if (ListKeys.Elements(schema, live, out _) is not { } known)
        {
            return (JsonArray)applied.DeepClone();
        }

        live.Clear();
        var byKey = known.ToDictionary(StringComparer.Ordinal);
        var inWanted = wanted.Select(w => w.Key).ToHashSet(StringComparer.Ordinal);
        var shared = new Queue<string>(wanted.Select(w => w.Key).Where(byKey.ContainsKey));
        var result = new JsonArray();
        var next = 0;
        foreach (var (element, value) in wanted)
        {
            // Up to the next item that both have; those that both have and the configuration puts elsewhere are passed over.
            for (; next < known.Count && !(shared.TryPeek(out var both) && known[next].Key == both); next++)
            {
                if (!inWanted.Contains(known[next].Key))
                {
                    result.Add(known[next].Value);
                }
            }

            if (byKey.TryGetValue(element, out var before))
            {
                shared.Dequeue();
                next += next < known.Count ? 1 : 0;
            }

            result.Add(Merge(schema.Items, before, value, path));
        }

        foreach (var item in known.Skip(next).Where(k => !inWanted.Contains(k.Key)))
        {
            result.Add(item.Value);
        }

        return result;
    }

    private static List<KeyValuePair<string, JsonNode?>> Keyed(SchemaNode schema, JsonArray list, string path) =>
        ListKeys.Elements(schema, list, out var problem)
        ?? throw KubeException.Of(400, "BadRequest", $"failed to create typed patch object: {path}: {problem}");
}
