using System.Text.Json.Nodes;

namespace Knet.ApiServer.Schemas;

/// <summary>Removal of members that a structural schema does not name (Kubernetes: field pruning).</summary>
internal static class SchemaPruning
{
    private static readonly string[] ResourceMembers = ["apiVersion", "kind", "metadata"];

    public static void Prune(SchemaNode schema, JsonNode? value, FieldPath path, List<string> pruned, bool isResource)
    {
        switch (value)
        {
            case JsonObject map:
                PruneObject(schema, map, path, pruned, isResource || schema.EmbeddedResource);
                break;
            case JsonArray list when schema.Items is { } items:
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is JsonObject or JsonArray)
                    {
                        Prune(items, list[i], path.Item(i), pruned, isResource: false);
                    }
                }

                break;
        }
    }

    private static void PruneObject(SchemaNode schema, JsonObject map, FieldPath path, List<string> pruned, bool isResource)
    {
        List<string>? unknown = null;
        foreach (var (name, member) in map)
        {
            if (schema.Properties.TryGetValue(name, out var known))
            {
                if (member is JsonObject or JsonArray)
                {
                    Prune(known, member, path.Member(name), pruned, isResource: false);
                }
            }
            else if (schema.AdditionalProperties is { } values)
            {
                if (member is JsonObject or JsonArray)
                {
                    Prune(values, member, path.Member(name), pruned, isResource: false);
                }
            }
            else if (!schema.PreserveUnknownFields && !(isResource && ResourceMembers.Contains(name)))
            {
                (unknown ??= []).Add(name);
            }
        }

        foreach (var name in unknown ?? [])
        {
            map.Remove(name);
            pruned.Add(path.Member(name).ToString());
        }
    }
}
