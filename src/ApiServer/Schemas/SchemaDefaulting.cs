using System.Text.Json.Nodes;

namespace Knet.ApiServer.Schemas;

/// <summary>Defaults of a structural schema: absent members get theirs, nulls that are no value are dropped first.</summary>
internal static class SchemaDefaulting
{
    public static void Apply(SchemaNode schema, JsonNode? value, bool fillIn = true)
    {
        switch (value)
        {
            case JsonObject map:
                DropNulls(schema, map);
                if (fillIn)
                {
                    FillIn(schema, map);
                }

                foreach (var (name, member) in map)
                {
                    if (member is JsonObject or JsonArray && ChildOf(schema, name) is { } child)
                    {
                        Apply(child, member, fillIn);
                    }
                }

                break;
            case JsonArray list when schema.Items is { } items:
                foreach (var item in list)
                {
                    if (item is JsonObject or JsonArray)
                    {
                        Apply(items, item, fillIn);
                    }
                }

                break;
        }
    }

    private static void DropNulls(SchemaNode schema, JsonObject map)
    {
        List<string>? nulls = null;
        foreach (var (name, member) in map)
        {
            if (member is null && ChildOf(schema, name) is { Nullable: false } child && !IsAnything(child))
            {
                (nulls ??= []).Add(name);
            }
        }

        foreach (var name in nulls ?? [])
        {
            map.Remove(name);
        }
    }

    private static void FillIn(SchemaNode schema, JsonObject map)
    {
        foreach (var (name, property) in schema.Properties)
        {
            if (property.Default is { } value && !map.ContainsKey(name))
            {
                map[name] = value.DeepClone();
            }
        }
    }

    private static SchemaNode? ChildOf(SchemaNode schema, string name) =>
        schema.Properties.GetValueOrDefault(name) ?? schema.AdditionalProperties;

    private static bool IsAnything(SchemaNode schema) => schema is { Type.Length: 0, IntOrString: false };
}
