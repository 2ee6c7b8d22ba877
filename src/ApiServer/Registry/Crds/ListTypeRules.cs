using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>What <c>x-kubernetes-list-type</c>, <c>-list-map-keys</c> and <c>-map-type</c> of a CRD's schema may say.</summary>
/// <remarks>Rules and texts: Kubernetes' apiextensions validation.</remarks>
internal static class ListTypeRules
{
    private const string ListType = "x-kubernetes-list-type";
    private const string MapType = "x-kubernetes-map-type";
    private const string Keys = "x-kubernetes-list-map-keys";

    public static void Check(JsonObject schema, string path, FieldErrors errors)
    {
        CheckKind(schema, MapType, "object", ["atomic", "granular"], path, errors);
        CheckKind(schema, ListType, "array", ["atomic", "map", "set"], path, errors);
        var listType = schema.Text(ListType);
        var items = schema.Object("items");
        if (listType == "set")
        {
            CheckSetItems(items, path, errors);
        }

        if (listType is "set" or "map" && items.Flag("nullable") == true)
        {
            errors.Forbidden(path + ".items.nullable", $"cannot be nullable when {ListType} is {listType}");
        }

        var keys = schema.Texts(Keys).ToList();
        if (keys.Count > 0 && listType is null)
        {
            errors.Required($"{path}.{ListType}", $"must be map if {Keys} is non-empty");
        }
        else if (keys.Count > 0 && listType != "map")
        {
            errors.Invalid($"{path}.{ListType}", listType, $"must be map if {Keys} is non-empty");
        }

        if (listType == "map")
        {
            CheckMap(keys, items, path, errors);
        }
    }

    private static void CheckKind(JsonObject schema, string extension, string type, string[] allowed, string path, FieldErrors errors)
    {
        if (schema.Text(extension) is not { } value)
        {
            return;
        }

        if (schema.Text("type") is not { Length: > 0 } actual)
        {
            errors.Required(path + ".type", $"must be {type} if {extension} is specified");
        }
        else if (actual != type)
        {
            errors.Invalid(path + ".type", actual, $"must be {type} if {extension} is specified");
        }

        if (!allowed.Contains(value))
        {
            errors.NotSupported($"{path}.{extension}", value, allowed);
        }
    }

    private static void CheckSetItems(JsonObject? items, string path, FieldErrors errors)
    {
        const string Rule = "must be atomic as item of a list with x-kubernetes-list-type=set";
        switch (items.Text("type"))
        {
            case "array" when items.Text(ListType) is { } nested and not "atomic":
                errors.Invalid($"{path}.items.{ListType}", nested, Rule);
                break;
            case "object" when items.Text(MapType) is not "atomic":
                errors.Invalid($"{path}.items.{MapType}", items.Text(MapType), Rule);
                break;
        }
    }

    private static void CheckMap(List<string> keys, JsonObject? items, string path, FieldErrors errors)
    {
        if (keys.Count == 0)
        {
            errors.Required($"{path}.{Keys}", $"must not be empty if {ListType} is map");
        }

        if (items is null)
        {
            errors.Required(path + ".items", $"must have a schema if {ListType} is map");
            return;
        }

        if (items.Text("type") is var type and not "object")
        {
            errors.Invalid(path + ".items.type", type ?? "", $"must be object if parent array's {ListType} is map");
        }

        if (keys.Distinct().Count() != keys.Count)
        {
            errors.Invalid($"{path}.{Keys}", JsonMembers.ToArray(keys), "must not contain duplicate entries");
        }

        var required = items.Texts("required").ToHashSet(StringComparer.Ordinal);
        foreach (var key in keys.Distinct())
        {
            CheckKey(key, keys, items, required, path, errors);
        }
    }

    private static void CheckKey(string key, List<string> keys, JsonObject items, HashSet<string> required, string path, FieldErrors errors)
    {
        if (items.Object("properties").Object(key) is not { } property)
        {
            errors.Invalid($"{path}.{Keys}", JsonMembers.ToArray(keys), "entries must all be names of item properties");
            return;
        }

        var at = $"{path}.items.properties[{key}]";
        if (property.Text("type") is "array" or "object")
        {
            errors.Invalid(at + ".type", property.Text("type"), $"must be a scalar type if parent array's {ListType} is map");
        }

        if (!required.Contains(key) && property["default"] is null)
        {
            errors.Required(
                at + ".default", $"this property is in {Keys}, so it must have a default or be a required property");
        }

        if (property.Flag("nullable") == true)
        {
            errors.Forbidden(at + ".nullable", $"this property is in {Keys}, so it cannot be nullable");
        }
    }
}
