using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry;

/// <summary>Reading and writing members of untyped objects; a member of the wrong type reads as absent.</summary>
internal static class JsonMembers
{
    public static JsonObject? Object(this JsonObject? value, string name) => value?[name] as JsonObject;

    public static JsonArray? Array(this JsonObject? value, string name) => value?[name] as JsonArray;

    public static string? Text(this JsonObject? value, string name) =>
        value?[name] is JsonValue v && v.GetValueKind() == JsonValueKind.String ? v.GetValue<string>() : null;

    public static bool? Flag(this JsonObject? value, string name) =>
        value?[name] is JsonValue v && v.GetValueKind() is JsonValueKind.True or JsonValueKind.False
            ? value[name]!.GetValueKind() == JsonValueKind.True
            : null;

    public static long? Number(this JsonObject? value, string name) =>
        value?[name] is JsonValue v && v.GetValueKind() == JsonValueKind.Number
            && long.TryParse(v.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    /// <summary>The objects among an array member's items.</summary>
    public static IEnumerable<JsonObject> Items(this JsonObject? value, string name) =>
        value.Array(name)?.OfType<JsonObject>() ?? [];

    public static IEnumerable<string> Texts(this JsonObject? value, string name) =>
        value.Array(name)?.OfType<JsonValue>().Where(v => v.GetValueKind() == JsonValueKind.String).Select(v => v.GetValue<string>()) ?? [];

    /// <summary>The object member, made when it is absent.</summary>
    public static JsonObject Ensure(this JsonObject value, string name)
    {
        if (value[name] is JsonObject present)
        {
            return present;
        }

        var made = new JsonObject();
        value[name] = made;
        return made;
    }

    /// <summary>Sets a member that is absent or null.</summary>
    public static void Default(this JsonObject value, string name, JsonNode content)
    {
        if (value[name] is null)
        {
            value[name] = content;
        }
    }

    /// <summary>Copies a member from another object; removes it when it is absent there.</summary>
    public static void Take(this JsonObject value, string name, JsonObject? from)
    {
        if (from?[name] is { } member)
        {
            value[name] = member.DeepClone();
        }
        else
        {
            value.Remove(name);
        }
    }

    public static JsonObject Metadata(this JsonObject value) => value.Ensure("metadata");

    public static string Name(this JsonObject value) => value.Object("metadata").Text("name") ?? "";

    public static string Namespace(this JsonObject value) => value.Object("metadata").Text("namespace") ?? "";

    public static bool IsDeleting(this JsonObject value) => value.Object("metadata")?["deletionTimestamp"] is not null;

    public static JsonArray ToArray(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)t)]);

    /// <summary>The member at a dotted path of object members, or null.</summary>
    public static JsonNode? At(this JsonObject? value, string dottedPath)
    {
        JsonNode? node = value;
        foreach (var part in dottedPath.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            node = (node as JsonObject)?[part];
        }

        return node;
    }

    /// <summary>Sets the member at a dotted path, making objects on the way.</summary>
    public static void Put(this JsonObject value, string dottedPath, JsonNode? content)
    {
        var parts = dottedPath.Split('.', StringSplitOptions.RemoveEmptyEntries);
        foreach (var part in parts[..^1])
        {
            value = value.Ensure(part);
        }

        value[parts[^1]] = content;
    }

    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
}
