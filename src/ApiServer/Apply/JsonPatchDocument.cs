using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Kube.Client;

namespace Knet.ApiServer.Apply;

/// <summary>JSON patch, RFC 6902, with the refusals Kubernetes gives.</summary>
public static class JsonPatchDocument
{
    /// <summary>The most operations one patch may carry, as in Kubernetes.</summary>
    public const int MaxOperations = 10_000;

    /// <summary>
    /// Bytes that copies may add in all, as in Kubernetes: else a few dozen operations that copy the root into itself fill any memory.
    /// </summary>
    public const int MaxCopiedBytes = 3 * 1024 * 1024;

    /// <summary>Applies all operations in order.</summary>
    /// <param name="target">Changed in place; use the result, which may be another node when the root is replaced.</param>
    /// <exception cref="KubeException">
    /// 400: the patch is no patch; 413: too many operations or copies; 422: an operation cannot be carried out.
    /// </exception>
    public static JsonNode Apply(JsonNode target, ReadOnlySpan<byte> patch)
    {
        var operations = Parse(patch);
        if (operations.Count > MaxOperations)
        {
            throw KubeException.Of(
                413, "RequestEntityTooLarge", $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        }

        JsonNode? root = target;
        var copied = 0L;
        foreach (var operation in operations)
        {
            root = ApplyOne(root, operation as JsonObject ?? throw Malformed("an operation must be an object"), ref copied);
        }

        return root ?? throw Unprocessable("the patch removes the whole object");
    }

    private static JsonArray Parse(ReadOnlySpan<byte> patch)
    {
        try
        {
            return JsonNode.Parse(patch, documentOptions: new() { AllowDuplicateProperties = false }) as JsonArray
                ?? throw Malformed("a JSON patch must be an array of operations");
        }
        catch (JsonException e)
        {
            throw Malformed(e.Message);
        }
    }

    private static JsonNode? ApplyOne(JsonNode? root, JsonObject operation, ref long copied)
    {
        var op = Text(operation, "op");
        var path = Pointer(Text(operation, "path"));
        switch (op)
        {
            case "add":
                return Add(root, path, Value(operation).DeepCloneOrNull());
            case "remove":
                return Remove(root, path, op, out _);
            case "replace":
                _ = Find(root, path, op);
                return Replace(root, path, Value(operation).DeepCloneOrNull());
            case "move":
                var moved = Remove(root, Pointer(Text(operation, "from")), op, out var value);
                return Add(moved, path, value);
            case "copy":
                return Add(root, path, Copy(Find(root, Pointer(Text(operation, "from")), op), ref copied));
            case "test":
                return Test(root, path, operation);
            default:
                throw Malformed($"unexpected kind: {op}");
        }
    }

    private static JsonNode? Copy(JsonNode? value, ref long copied)
    {
        copied += value?.ToJsonString().Length ?? 4;
        return copied <= MaxCopiedBytes
            ? value.DeepCloneOrNull()
            : throw KubeException.Of(
                413, "RequestEntityTooLarge",
                "Request entity too large: Unable to complete the copy, the accumulated size increase of copy is "
                + $"{copied}, exceeding the limit {MaxCopiedBytes}");
    }

    private static JsonNode? Test(JsonNode? root, string[] path, JsonObject operation)
    {
        if (!JsonNode.DeepEquals(Find(root, path, "test"), Value(operation)))
        {
            throw Unprocessable($"testing value {Joined(path)} failed: test failed");
        }

        return root;
    }

    private static JsonNode? Add(JsonNode? root, string[] path, JsonNode? value)
    {
        if (path.Length == 0)
        {
            return value;
        }

        switch (Find(root, path.AsSpan()[..^1], "add"))
        {
            case JsonObject map:
                map[path[^1]] = value;
                break;
            case JsonArray list:
                var index = path[^1] == "-" ? list.Count : Index(path, list.Count, "add");
                list.Insert(index, value);
                break;
            default:
                throw Missing("add", path);
        }

        return root;
    }

    private static JsonNode? Replace(JsonNode? root, string[] path, JsonNode? value)
    {
        if (path.Length == 0)
        {
            return value;
        }

        switch (Find(root, path.AsSpan()[..^1], "replace"))
        {
            case JsonObject map:
                map[path[^1]] = value;
                break;
            case JsonArray list:
                list[Index(path, list.Count - 1, "replace")] = value;
                break;
        }

        return root;
    }

    private static JsonNode? Remove(JsonNode? root, string[] path, string op, out JsonNode? removed)
    {
        if (path.Length == 0)
        {
            removed = root;
            return null;
        }

        removed = Find(root, path, op);
        switch (Find(root, path.AsSpan()[..^1], op))
        {
            case JsonObject map:
                map.Remove(path[^1]);
                break;
            case JsonArray list:
                list.RemoveAt(Index(path, list.Count - 1, op));
                break;
        }

        return root;
    }

    private static JsonNode? Find(JsonNode? root, ReadOnlySpan<string> path, string op)
    {
        var node = root;
        for (var i = 0; i < path.Length; i++)
        {
            node = node switch
            {
                JsonObject map when map.TryGetPropertyValue(path[i], out var member) => member,
                JsonArray list => list[Index(path[..(i + 1)].ToArray(), list.Count - 1, op)],
                _ => throw Missing(op, path.ToArray()),
            };
        }

        return node;
    }

    private static int Index(string[] path, int greatest, string op)
    {
        var text = path[^1];
        var isNumber = text.Length > 0 && text.All(char.IsAsciiDigit) && (text == "0" || text[0] != '0');
        if (isNumber && int.TryParse(text, out var index) && index <= greatest)
        {
            return index;
        }

        throw isNumber
            ? Unprocessable($"{op} operation does not apply: doc is missing path: {Joined(path)}: index out of bounds: {text}")
            : Missing(op, path);
    }

    private static string[] Pointer(string pointer)
    {
        if (pointer.Length == 0)
        {
            return [];
        }

        return pointer[0] == '/'
            ? [.. pointer[1..].Split('/').Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))]
            : throw Malformed($"a JSON pointer must start with \"/\": {pointer}");
    }

    private static string Text(JsonObject operation, string name) =>
        operation[name] is JsonValue value && value.TryGetValue<string>(out var text)
            ? text
            : throw Malformed($"an operation must have the member \"{name}\"");

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value) ? value : throw Malformed("an operation of this kind must have the member \"value\"");

    private static JsonNode? DeepCloneOrNull(this JsonNode? node) => node?.DeepClone();

    private static string Joined(string[] path) => "/" + string.Join('/', path);

    private static KubeException Missing(string op, string[] path) =>
        Unprocessable($"{op} operation does not apply: doc is missing path: {Joined(path)}: missing value");

    private static KubeException Unprocessable(string message) =>
        KubeException.Of(422, "Invalid", $"the server rejected our request due to an error in our request: {message}");

    private static KubeException Malformed(string message) => KubeException.Of(400, "BadRequest", $"error decoding patch: {message}");
}
