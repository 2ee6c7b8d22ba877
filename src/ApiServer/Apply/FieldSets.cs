using System.Text.Json.Nodes;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Apply;

/// <summary>What a write did to the fields of an object.</summary>
/// <param name="Changed">Fields added or with another value.</param>
/// <param name="Removed">Fields that are gone.</param>
internal sealed record FieldChanges(FieldSet Changed, FieldSet Removed)
{
    public bool None => Changed.IsEmpty && Removed.IsEmpty;
}

/// <summary>Field sets made from objects.</summary>
internal static class FieldSets
{
    // Nobody owns these: they name the object or belong to the server.
    private static readonly string[] NotOwned =
    [
        "f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:generation", "f:managedFields", "f:resourceVersion",
        "f:deletionTimestamp", "f:deletionGracePeriodSeconds",
    ];

    private static readonly string[] WithStatus = ["metadata", "status"];

    /// <summary>The fields that an applied configuration claims.</summary>
    public static FieldSet Of(SchemaNode? schema, JsonObject applied)
    {
        var set = new FieldSet();
        CollectObject(schema, applied, set);
        return WithoutServerFields(set);
    }

    /// <summary>What differs between two states of an object.</summary>
    /// <param name="statusOnly">A write of the status: nothing but that and the metadata can differ, so the rest is not looked at.</param>
    public static FieldChanges Between(SchemaNode? schema, JsonObject? before, JsonObject after, bool statusOnly = false)
    {
        var changed = new FieldSet();
        var removed = new FieldSet();
        CompareObjects(schema, before ?? [], after, changed, removed, statusOnly ? WithStatus : null);
        return new(WithoutServerFields(changed), WithoutServerFields(removed));
    }

    private static FieldSet WithoutServerFields(FieldSet set)
    {
        if (set["f:apiVersion"] is null && set["f:kind"] is null && set["f:metadata"] is null)
        {
            return set;
        }

        var result = new FieldSet();
        foreach (var (element, child) in set.Children)
        {
            if (element == "f:metadata")
            {
                var metadata = new FieldSet();
                foreach (var (name, member) in child.Children.Where(c => !NotOwned.Contains(c.Key)))
                {
                    metadata.Attach(name, member);
                }

                result.Attach(element, metadata);
            }
            else if (element is not ("f:apiVersion" or "f:kind"))
            {
                result.Attach(element, child);
            }
        }

        return result;
    }

    private static void Collect(SchemaNode? schema, JsonNode? value, FieldSet set)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } map when schema?.MapType != "atomic":
                CollectObject(schema, map, set);
                break;
            case JsonArray { Count: > 0 } list when !ListKeys.IsLeaf(schema, list) && ListKeys.Elements(schema!, list, out _) is { } elements:
                foreach (var (element, item) in elements)
                {
                    var below = set.Child(element).Add();
                    if (item is JsonObject)
                    {
                        Collect(schema!.Items, item, below);
                    }
                }

                break;
            default:
                set.Add();
                break;
        }
    }

    private static void CollectObject(SchemaNode? schema, JsonObject map, FieldSet set)
    {
        foreach (var (name, member) in map)
        {
            var child = set.Child("f:" + name);
            Collect(ListKeys.Child(schema, name), member, child);
        }
    }

    private static void Compare(SchemaNode? schema, JsonNode? before, JsonNode? after, FieldSet changed, FieldSet removed)
    {
        if (before is JsonObject was && after is JsonObject now && schema?.MapType != "atomic")
        {
            CompareObjects(schema, was, now, changed, removed);
        }
        else if (before is JsonArray old && after is JsonArray list && !ListKeys.IsLeaf(schema, list)
            && ListKeys.Elements(schema!, old, out _) is { } oldItems && ListKeys.Elements(schema!, list, out _) is { } newItems)
        {
            CompareLists(schema!, oldItems, newItems, changed, removed);
        }
        else if (!JsonNode.DeepEquals(before, after))
        {
            changed.Add();
        }
    }

    private static void CompareObjects(
        SchemaNode? schema, JsonObject before, JsonObject after, FieldSet changed, FieldSet removed, string[]? only = null)
    {
        foreach (var (name, now) in after)
        {
            if (only?.Contains(name) == false)
            {
                continue;
            }

            var element = "f:" + name;
            var child = ListKeys.Child(schema, name);
            if (before.TryGetPropertyValue(name, out var was))
            {
                if (ReferenceEquals(was, now))
                {
                    continue;
                }

                CompareInto(element, child, was, now, changed, removed);
            }
            else
            {
                var added = new FieldSet();
                Everything(child, now, added, isMap: schema?.AdditionalProperties is not null);
                changed.Attach(element, added);
            }
        }

        foreach (var (name, was) in before)
        {
            if (only?.Contains(name) != false && !after.ContainsKey(name))
            {
                var gone = new FieldSet().Add();
                Everything(ListKeys.Child(schema, name), was, gone, isMap: true);
                removed.Attach("f:" + name, gone);
            }
        }
    }

    private static void CompareLists(
        SchemaNode schema, List<KeyValuePair<string, JsonNode?>> before, List<KeyValuePair<string, JsonNode?>> after, FieldSet changed,
        FieldSet removed)
    {
        var old = before.ToDictionary(StringComparer.Ordinal);
        foreach (var (element, now) in after)
        {
            if (old.Remove(element, out var was))
            {
                CompareInto(element, schema.Items, was, now, changed, removed);
            }
            else
            {
                var added = new FieldSet().Add();
                Everything(schema.Items, now, added, isMap: true);
                changed.Attach(element, added);
            }
        }

        foreach (var (element, was) in old)
        {
            var gone = new FieldSet().Add();
            Everything(schema.Items, was, gone, isMap: true);
            removed.Attach(element, gone);
        }
    }

    private static void CompareInto(string element, SchemaNode? schema, JsonNode? was, JsonNode? now, FieldSet changed, FieldSet removed)
    {
        if (was is JsonValue && now is JsonValue)
        {
            if (!JsonNode.DeepEquals(was, now))
            {
                changed.Attach(element, new FieldSet().Add());
            }

            return;
        }

        var changedBelow = new FieldSet();
        var removedBelow = new FieldSet();
        Compare(schema, was, now, changedBelow, removedBelow);
        changed.Attach(element, changedBelow);
        removed.Attach(element, removedBelow);
    }

    // All fields of a value that came or went whole; containers that can be absent on their own are members too.
    private static void Everything(SchemaNode? schema, JsonNode? value, FieldSet set, bool isMap)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } map when schema?.MapType != "atomic":
                if (isMap || schema is null or { Properties.Count: 0 })
                {
                    set.Add();
                }

                foreach (var (name, member) in map)
                {
                    Everything(ListKeys.Child(schema, name), member, set.Child("f:" + name), isMap: false);
                }

                break;
            case JsonArray { Count: > 0 } list when !ListKeys.IsLeaf(schema, list) && ListKeys.Elements(schema!, list, out _) is { } elements:
                set.Add();
                foreach (var (element, item) in elements)
                {
                    Everything(schema!.Items, item, set.Child(element).Add(), isMap: true);
                }

                break;
            default:
                set.Add();
                break;
        }
    }
}
