using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Schemas;

/// <summary>Validation of a value against a structural schema, with the texts that Kubernetes' apiextensions validation has.</summary>
internal sealed class SchemaValidation(List<FieldError> errors)
{
    private const string Invalid = "FieldValueInvalid";

    /// <param name="old">The value before the change, where there was one: an unchanged value is not judged.</param>
    public void Validate(SchemaNode schema, JsonNode? value, FieldPath path, JsonNode? old = null)
    {
        if (old is not null && JsonNode.DeepEquals(old, value))
        {
            return;
        }

        if (value is null)
        {
            if (!schema.Nullable && (schema.Type.Length > 0 || schema.IntOrString))
            {
                WrongType(path, "null", schema.IntOrString ? "integer,string" : schema.Type);
            }

            return;
        }

        if (!CheckType(schema, value, path))
        {
            return;
        }

        switch (value)
        {
            case JsonObject map:
                ValidateObject(schema, map, path, old as JsonObject);
                break;
            case JsonArray list:
                ValidateArray(schema, list, path, old as JsonArray);
                break;
            default:
                ScalarValidation.Validate(schema, (JsonValue)value, path, Add);
                break;
        }

        ValidateEnum(schema, value, path);
        ValidateJunctors(schema, value, path, old);
    }

    /// <summary>OpenAPI's name of a JSON value's type.</summary>
    public static string TypeName(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        _ => value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.Number => ScalarValidation.IsInteger(value) ? "integer" : "number",
            _ => "null",
        },
    };

    private void Add(FieldPath path, string type, string detail) => errors.Add(new(path.ToString(), type, detail));

    private void WrongType(FieldPath path, string actual, string wanted)
    {
        var at = path.ToString();
        errors.Add(new(at, "FieldValueTypeInvalid", $"Invalid value: \"{actual}\": {In(at)}must be of type {wanted}: \"{actual}\""));
    }

    private static string In(string path) => path.Length == 0 ? "" : $"{path} in body ";

    private bool CheckType(SchemaNode schema, JsonNode value, FieldPath path)
    {
        var actual = TypeName(value);
        if (schema.IntOrString)
        {
            if (actual is "integer" or "string" || (actual == "number" && schema.Type.Length == 0 && schema.Format == "quantity"))
            {
                return true;
            }

            WrongType(path, actual, "integer,string");
            return false;
        }

        if (schema.Type.Length == 0 || schema.Type == actual || (schema.Type == "number" && actual == "integer"))
        {
            return true;
        }

        WrongType(path, actual, schema.Type);
        return false;
    }

    private void ValidateObject(SchemaNode schema, JsonObject map, FieldPath path, JsonObject? old)
    {
        if (schema.EmbeddedResource)
        {
            RequireText(map, "apiVersion", path);
            RequireText(map, "kind", path);
        }

        foreach (var name in schema.Required)
        {
            if (!map.ContainsKey(name))
            {
                Add(path.Member(name), "FieldValueRequired", "Required value");
            }
        }

        foreach (var (name, member) in map)
        {
            if ((schema.Properties.GetValueOrDefault(name) ?? schema.AdditionalProperties) is { } child)
            {
                Validate(child, member, path.Member(name), old?[name]);
            }
        }

        if (schema.MinProperties is { } least && map.Count < least)
        {
            Add(path, Invalid, $"Invalid value: {map.Count}: {In(path.ToString())}should have at least {least} properties");
        }

        if (schema.MaxProperties is { } most && map.Count > most)
        {
            Add(path, "FieldValueTooMany", $"Too many: {map.Count}: must have at most {most} items");
        }
    }

    private void RequireText(JsonObject map, string name, FieldPath path)
    {
        if (map[name] is not JsonValue value || (value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length == 0))
        {
            Add(path.Member(name), "FieldValueRequired", "Required value: must not be empty");
        }
    }

    private void ValidateArray(SchemaNode schema, JsonArray list, FieldPath path, JsonArray? old)
    {
        if (schema.Items is { } items)
        {
            // Only items with keys can be told to be the same as before.
            var before = schema.ListType == "map"
                ? old?.OfType<JsonObject>().GroupBy(o => KeyOf(schema, o)).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal)
                : null;
            for (var i = 0; i < list.Count; i++)
            {
                Validate(
                    items, list[i], path.Item(i), list[i] is JsonObject item ? before?.GetValueOrDefault(KeyOf(schema, item)) : null);
            }
        }

        if (schema.MinItems is { } least && list.Count < least)
        {
            Add(path, Invalid, $"Invalid value: {list.Count}: {In(path.ToString())}should have at least {least} items");
        }

        if (schema.MaxItems is { } most && list.Count > most)
        {
            Add(path, "FieldValueTooMany", $"Too many: {list.Count}: must have at most {most} items");
        }

        ValidateUniqueness(schema, list, path);
    }

    private void ValidateUniqueness(SchemaNode schema, JsonArray list, FieldPath path)
    {
        if (list.Count < 2 || !(schema.UniqueItems || schema.ListType is "set" or "map"))
        {
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var key = schema.ListType == "map" && list[i] is JsonObject item ? KeyOf(schema, item) : Text(list[i]);
            if (!seen.Add(key))
            {
                Add(path.Item(i), "FieldValueDuplicate", $"Duplicate value: {key}");
            }
        }
    }

    private static string KeyOf(SchemaNode schema, JsonObject item)
    {
        var key = new JsonObject();
        foreach (var name in schema.ListMapKeys ?? [])
        {
            key[name] = (item[name] ?? schema.Items?.Properties.GetValueOrDefault(name)?.Default)?.DeepClone();
        }

        return Text(key);
    }

    private void ValidateEnum(SchemaNode schema, JsonNode value, FieldPath path)
    {
        if (schema.Enum is not { } allowed || allowed.Any(a => JsonNode.DeepEquals(a, value)))
        {
            return;
        }

        var supported = string.Join(", ", allowed.Select(Text));
        Add(path, "FieldValueNotSupported", $"Unsupported value: {Text(value)}: supported values: {supported}");
    }

    // Kubernetes says these without a path, which its field errors show as <nil>.
    private void Broken(FieldPath path, string rule) =>
        errors.Add(new("<nil>", Invalid, $"Invalid value: \"\": \"{path}\" {rule}"));

    private void ValidateJunctors(SchemaNode schema, JsonNode value, FieldPath path, JsonNode? old)
    {
        if (schema.AllOf is { Count: > 0 } all)
        {
            var before = errors.Count;
            var failed = 0;
            foreach (var part in all)
            {
                var known = errors.Count;
                Validate(part, value, path, old);
                failed += errors.Count > known ? 1 : 0;
            }

            if (errors.Count > before)
            {
                Broken(path, "must validate all the schemas (allOf)" + (failed == all.Count ? ". None validated" : ""));
            }
        }

        if (schema.AnyOf is { Count: > 0 } any && Failures(any, value, path) is var anyFailures && anyFailures.All(f => f.Count > 0))
        {
            Broken(path, "must validate at least one schema (anyOf)");
            errors.AddRange(anyFailures.MinBy(f => f.Count)!);
        }

        if (schema.OneOf is { Count: > 0 } one && Failures(one, value, path) is var oneFailures
            && oneFailures.Count(f => f.Count == 0) is var fit and not 1)
        {
            Broken(path, $"must validate one and only one schema (oneOf). Found {(fit == 0 ? "none valid" : $"{fit} valid alternatives")}");
            errors.AddRange(oneFailures.MinBy(f => f.Count)!);
        }

        if (schema.Not is { } not && Failures([not], value, path)[0].Count == 0)
        {
            Broken(path, "must not validate the schema (not)");
        }
    }

    // What is wrong with the value under each of the schemas.
    private static List<List<FieldError>> Failures(List<SchemaNode> schemas, JsonNode value, FieldPath path) =>
    [
        .. schemas.Select(schema =>
        {
            var found = new List<FieldError>();
            new SchemaValidation(found).Validate(schema, value, path);
            return found;
        }),
    ];

    internal static string Text(JsonNode? value) =>
        value is null ? "null" : value.ToJsonString(Api.Meta.KubeJson.Options);

    internal static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
