using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;

namespace Knet.ApiServer.Http.Wire;

/// <summary>Members that stand twice in a JSON object. As in Kubernetes the last one counts, and strict requests are refused.</summary>
internal static class DuplicateFields
{
    /// <summary>The body with each member once, and the paths of those that stood more than once.</summary>
    /// <exception cref="KubeException">400: no JSON.</exception>
    public static (ReadOnlyMemory<byte> Body, IReadOnlyList<string> Duplicates) Resolve(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (!HasAny(body.Span))
            {
                return (body, []);
            }

            var found = new List<string>();
            var reader = new Utf8JsonReader(body.Span);
            reader.Read();
            var value = Read(ref reader, "", found);
            return (KubeJson.Serialize(value), found);
        }
        catch (JsonException e)
        {
            throw Refusals.NoJson(e);
        }
        catch (InvalidOperationException e)
        {
            // Bytes that are no UTF-8, or half of a surrogate pair: they would only be noticed when somebody reads that member.
            throw Refusals.BadRequest($"the body of the request is no valid JSON: a text in it cannot be read: {e.Message}");
        }
    }

    private static bool HasAny(ReadOnlySpan<byte> body)
    {
        var any = false;
        var allUtf8 = Utf8.IsValid(body);
        var reader = new Utf8JsonReader(body);
        var open = new Stack<HashSet<string>>();
        var spare = new Stack<HashSet<string>>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push(spare.TryPop(out var names) ? names : new HashSet<string>(StringComparer.Ordinal));
                    break;
                case JsonTokenType.EndObject:
                    var closed = open.Pop();
                    closed.Clear();
                    spare.Push(closed);
                    break;
                case JsonTokenType.PropertyName:
                    any |= !open.Peek().Add(reader.GetString()!);
                    break;
                case JsonTokenType.String when reader.ValueIsEscaped || !allUtf8:
                    _ = reader.GetString();
                    break;
            }
        }

        return any;
    }

    private static JsonNode? Read(ref Utf8JsonReader reader, string path, List<string> found)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var map = new JsonObject();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var name = reader.GetString()!;
                    var at = path.Length == 0 ? name : $"{path}.{name}";
                    reader.Read();
                    if (map.ContainsKey(name))
                    {
                        found.Add(at);
                    }

                    map[name] = Read(ref reader, at, found);
                }

                return map;
            case JsonTokenType.StartArray:
                var list = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Add(Read(ref reader, $"{path}[{list.Count}]", found));
                }

                return list;
            default:
                return JsonNode.Parse(ref reader);
        }
    }
}
