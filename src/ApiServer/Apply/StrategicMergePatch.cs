using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;

namespace Knet.ApiServer.Apply;

/// <summary>Kubernetes' strategic merge patch: lists merge by key where the schema says so, and directives steer the merge.</summary>
/// <remarks>Rules: kubernetes.io, "Update API Objects in Place Using kubectl patch", and the sig-api-machinery document on strategic merge.</remarks>
public static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeleteFromPrimitive = "$deleteFromPrimitiveList/";
    private const string SetElementOrder = "$setElementOrder/";

    /// <summary>The patched object. <paramref name="current"/> is used up; <paramref name="patch"/> stays as it is.</summary>
    /// <param name="schema">Null: every list is replaced.</param>
    /// <exception cref="KubeException">400: a directive makes no sense, or an item lacks its merge key.</exception>
    public static JsonObject Apply(SchemaNode? schema, JsonObject current, JsonObject patch) => Merge(schema, current, patch, "");

    private static JsonObject Merge(SchemaNode? schema, JsonObject current, JsonObject patch, string path)
    {
        switch (Text(patch[Directive]))
        {
            case "replace":
                return Plain(patch);
            case "delete":
                return [];
            case null or "merge":
                break;
            case var other:
                throw Bad($"Unknown patch type found: {other}");
        }

        Retain(current, patch);
        foreach (var (name, change) in patch)
        {
            if (!name.StartsWith('$'))
            {
                MergeMember(Child(schema, name), current, name, change, path);
            }
        }

        foreach (var (name, change) in patch)
        {
            if (name.StartsWith(DeleteFromPrimitive, StringComparison.Ordinal))
            {
                DeleteItems(current, name[DeleteFromPrimitive.Length..], change);
            }
        }

        foreach (var (name, order) in patch)
        {
            if (name.StartsWith(SetElementOrder, StringComparison.Ordinal) && order is JsonArray wanted)
            {
                var member = name[SetElementOrder.Length..];
                Reorder(Child(schema, member), current, member, wanted);
            }
        }

        return current;
    }

    private static SchemaNode? Child(SchemaNode? schema, string name) =>
        schema?.Properties.GetValueOrDefault(name) ?? schema?.AdditionalProperties;

    private static void MergeMember(SchemaNode? child, JsonObject current, string name, JsonNode? change, string path)
    {
        var at = path.Length == 0 ? name : $"{path}.{name}";
        switch (change)
        {
            case null:
                current.Remove(name);
                break;
            case JsonObject map when Text(map[Directive]) == "delete":
                current.Remove(name);
                break;
            case JsonObject map:
                current.Remove(name, out var before);
                current[name] = before is JsonObject known ? Merge(child, known, map, at) : Clean(child, map, at);
                break;
            case JsonArray list when Merges(child):
                current.Remove(name, out var listed);
                current[name] = MergeList(child!, listed as JsonArray ?? [], list, at);
                break;
            default:
                current[name] = change.DeepClone();
                break;
        }
    }

    private static bool Merges(SchemaNode? child) => child?.PatchStrategy?.Split(',').Contains("merge") == true;

    // What a patch adds where nothing was: its directives must not be stored.
    private static JsonObject Clean(SchemaNode? schema, JsonObject patch, string path) => Merge(schema, [], patch, path);

    private static void Retain(JsonObject current, JsonObject patch)
    {
        if (patch[RetainKeys] is not JsonArray keys)
        {
            return;
        }

        var kept = keys.Select(Text).ToHashSet(StringComparer.Ordinal);
        foreach (var name in current.Select(m => m.Key).Where(k => !kept.Contains(k)).ToList())
        {
            current.Remove(name);
        }
    }

    private static JsonArray MergeList(SchemaNode schema, JsonArray current, JsonArray patch, string path)
    {
        if (patch.Any(p => p is JsonObject item && item.Count == 1 && Text(item[Directive]) == "replace"))
        {
            return [.. patch.Where(p => !(p is JsonObject item && item.Count == 1 && item.ContainsKey(Directive))).Select(p => p?.DeepClone())];
        }

        return schema.PatchMergeKey is { } key
            ? MergeObjects(schema, key, current, patch, path)
            : MergePrimitives(current, patch);
    }

    private static JsonArray MergePrimitives(JsonArray current, JsonArray patch)
    {
        foreach (var value in patch)
        {
            if (!current.Any(c => JsonNode.DeepEquals(c, value)))
            {
                current.Add(value?.DeepClone());
            }
        }

        return current;
    }

    private static JsonArray MergeObjects(SchemaNode schema, string key, JsonArray current, JsonArray patch, string path)
    {
        foreach (var change in patch)
        {
            var item = change as JsonObject ?? throw Bad($"{path}: every item of the patch must be an object");
            var value = item[key] ?? throw Bad($"map: {item.ToJsonString()} does not contain declared merge key: {key}");
            var index = IndexOf(current, key, value);
            if (Text(item[Directive]) == "delete")
            {
                while (index >= 0)
                {
                    current.RemoveAt(index);
                    index = IndexOf(current, key, value);
                }
            }
            else if (index < 0)
            {
                current.Add((JsonNode)Clean(schema.Items, item, path));
            }
            else
            {
                var before = (JsonObject)current[index]!;
                current[index] = null;
                var merged = Merge(schema.Items, before, item, path);
                merged[key] ??= value.DeepClone();
                current[index] = merged;
            }
        }

        return current;
    }

    private static int IndexOf(JsonArray list, string key, JsonNode value)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonObject item && JsonNode.DeepEquals(item[key], value))
            {
                return i;
            }
        }

        return -1;
    }

    private static void DeleteItems(JsonObject current, string member, JsonNode? values)
    {
        if (current[member] is not JsonArray list || values is not JsonArray gone)
        {
            return;
        }

        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (gone.Any(g => JsonNode.DeepEquals(g, list[i])))
            {
                list.RemoveAt(i);
            }
        }
    }

    // Items named in the order take their places in it; the others keep theirs relative to the item before them.
    private static void Reorder(SchemaNode? schema, JsonObject current, string member, JsonArray order)
    {
        if (current[member] is not JsonArray list)
        {
            return;
        }

        var key = schema?.PatchMergeKey;
        int Rank(JsonNode? item)
        {
            for (var i = 0; i < order.Count; i++)
            {
                var same = key is not null && order[i] is JsonObject wanted
                    ? JsonNode.DeepEquals(wanted[key], (item as JsonObject)?[key])
                    : JsonNode.DeepEquals(order[i], item);
                if (same)
                {
                    return i;
                }
            }

            return -1;
        }

        var last = -1;
        var items = list.Select(item => (Item: item, Rank: Rank(item))).ToList();
        var ranked = new List<(JsonNode? Item, int Rank)>();
        foreach (var (item, rank) in items)
        {
            last = rank >= 0 ? rank : last;
            ranked.Add((item, last));
        }

        list.Clear();
        foreach (var (item, _) in ranked.OrderBy(r => r.Rank))
        {
            list.Add(item);
        }
    }

    private static JsonObject Plain(JsonObject patch)
    {
        var copy = (JsonObject)patch.DeepClone();
        copy.Remove(Directive);
        return copy;
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    private static KubeException Bad(string message) => KubeException.Of(400, "BadRequest", message);
}
