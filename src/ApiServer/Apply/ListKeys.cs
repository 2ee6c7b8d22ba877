using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Apply;

/// <summary>How server-side apply addresses the parts of a value under its schema.</summary>
internal static class ListKeys
{
    /// <summary>Whether the value is owned and replaced as one field.</summary>
    public static bool IsLeaf(SchemaNode? schema, JsonNode? value) => value switch
    {
        JsonObject => schema?.MapType == "atomic",
        JsonArray => schema?.ListType is not ("set" or "map"),
        _ => true,
    };

    public static SchemaNode? Child(SchemaNode? schema, string name) =>
        schema?.Properties.GetValueOrDefault(name) ?? schema?.AdditionalProperties;

    /// <summary>
    /// The items of a set or map list by their path elements, in order; null when an item has no key or a key occurs twice, with the
    /// reason in <paramref name="problem"/>.
    /// </summary>
    public static List<KeyValuePair<string, JsonNode?>>? Elements(SchemaNode schema, JsonArray list, out string? problem)
    {
        var elements = new List<KeyValuePair<string, JsonNode?>>(list.Count);
        var seen = list.Count > 1 ? new HashSet<string>(StringComparer.Ordinal) : null;
        foreach (var item in list)
        {
            var element = schema.ListType == "set" ? "v:" + Text(item) : KeyOf(schema, item);
            if (element is null)
            {
                problem = $"element {elements.Count}: associative list with keys has an element that omits all key fields "
                    + $"[{string.Join(' ', (schema.ListMapKeys ?? []).Select(k => $"\"{k}\""))}] (and doesn't have default value)";
                return null;
            }

            if (seen?.Add(element) == false)
            {
                problem = $"duplicate entries for key {Bracketed(element)}";
                return null;
            }

            elements.Add(new(element, item));
        }

        problem = null;
        return elements;
    }

    private static string? KeyOf(SchemaNode schema, JsonNode? item)
    {
        if (item is not JsonObject map || schema.ListMapKeys is not { Count: > 0 } keys)
        {
            return null;
        }

        if (keys.Count == 1)
        {
            var only = map[keys[0]] ?? schema.Items?.Properties.GetValueOrDefault(keys[0])?.Default;
            return only is null ? null : $"k:{{\"{keys[0]}\":{Text(only)}}}";
        }

        var text = new StringBuilder("k:{");
        foreach (var key in keys.Order(StringComparer.Ordinal))
        {
            if ((map[key] ?? schema.Items?.Properties.GetValueOrDefault(key)?.Default) is { } value)
            {
                text.Append(text.Length > 3 ? "," : "").Append('"').Append(key).Append("\":").Append(Text(value));
            }
        }

        return text.Length == 3 ? null : text.Append('}').ToString();
    }

    private static string Text(JsonNode? value) => value is null ? "null" : value.ToJsonString(KubeJson.Options);

    private static string Bracketed(string element)
    {
        var set = new FieldSet();
        set.Child(element).Add();
        return set.Paths().First();
    }
}
