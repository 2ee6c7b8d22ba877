using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Http.Protobuf;

/// <summary>Bodies in Kubernetes' protobuf encoding, which typed Go clients (kubectl create, auth can-i …) send, as JSON.</summary>
internal static class ProtobufBody
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";
    private const int MaxDepth = 64;

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <exception cref="KubeException">400: malformed; 415: a kind whose messages we do not know.</exception>
    public static byte[] ToJson(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Magic))
        {
            throw KubeException.Of(400, "BadRequest", "the body of the request does not begin with the mark of Kubernetes' protobuf encoding");
        }

        var (apiVersion, kind) = ("", "");
        ReadOnlySpan<byte> raw = default;
        var envelope = new ProtobufReader(body[Magic.Length..]);
        while (envelope.Read())
        {
            switch (envelope.Field)
            {
                case 1:
                    var type = new ProtobufReader(envelope.Bytes);
                    while (type.Read())
                    {
                        (apiVersion, kind) = type.Field == 1 ? (type.Text, kind) : (apiVersion, type.Text);
                    }

                    break;
                case 2:
                    raw = envelope.Bytes;
                    break;
            }
        }

        var message = MessageTable.NameOf(apiVersion, kind);
        var fields = MessageTable.Find(message) ?? throw KubeException.Of(
            415, "UnsupportedMediaType",
            $"the body of the request is protobuf of kind {apiVersion}, {kind}, which this server reads as JSON or YAML only");
        var value = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        ReadInto(value, fields, raw, 0);
        return KubeJson.Serialize(value);
    }

    private static void ReadInto(JsonObject target, IReadOnlyDictionary<int, MessageField> fields, ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > MaxDepth)
        {
            throw KubeException.Of(400, "BadRequest", $"the body is nested deeper than {MaxDepth} levels");
        }

        var reader = new ProtobufReader(bytes);
        while (reader.Read())
        {
            if (!fields.TryGetValue(reader.Field, out var field))
            {
                continue;
            }

            if (field.IsInline)
            {
                ReadInto(target, MessageTable.Find(field.Message)!, reader.Bytes, depth + 1);
            }
            else if (field.IsMap)
            {
                ReadEntry(target[field.Name] as JsonObject ?? Put(target, field.Name, new JsonObject()), field, reader.Bytes, depth);
            }
            else if (field.IsList)
            {
                (target[field.Name] as JsonArray ?? Put(target, field.Name, new JsonArray())).Add(Value(field, ref reader, depth));
            }
            else
            {
                var value = Value(field, ref reader, depth);
                if (field.IsOptional || !IsZero(value))
                {
                    target[field.Name] = value;
                }
            }
        }
    }

    private static T Put<T>(JsonObject target, string name, T value) where T : JsonNode
    {
        target[name] = value;
        return value;
    }

    private static void ReadEntry(JsonObject map, MessageField field, ReadOnlySpan<byte> bytes, int depth)
    {
        var key = "";
        JsonNode? value = null;
        var entry = new ProtobufReader(bytes);
        while (entry.Read())
        {
            if (entry.Field == 1)
            {
                key = entry.Text;
            }
            else
            {
                value = Value(field, ref entry, depth);
            }
        }

        map[key] = value ?? (field.Code is 's' or 'y' ? JsonValue.Create("") : null);
    }

    private static JsonNode? Value(MessageField field, ref ProtobufReader reader, int depth)
    {
        switch (field.Code)
        {
            case 's': return reader.Text;
            case 'i': return (long)reader.Number;
            case 'b': return reader.Number != 0;
            case 'd': return BitConverter.UInt64BitsToDouble(reader.Number);
            case 'y': return Convert.ToBase64String(reader.Bytes);
            case 'T': return Time(reader.Bytes, "yyyy-MM-ddTHH:mm:ssZ");
            case 'U': return Time(reader.Bytes, "yyyy-MM-ddTHH:mm:ss.ffffffZ");
            case 'Q': return Encoding.UTF8.GetString(Field(reader.Bytes, 1));
            case 'I': return IntOrString(reader.Bytes);
            case 'R': return Embedded(Field(reader.Bytes, 1));
            case 'X': return Texts(reader.Bytes);
            default:
                var nested = new JsonObject();
                ReadInto(nested, MessageTable.Find(field.Message)!, reader.Bytes, depth + 1);
                return nested;
        }
    }

    // Go writes every plain field; these are the ones it leaves out of JSON.
    private static bool IsZero(JsonNode? value) => value switch
    {
        null or JsonObject { Count: 0 } => true,
        JsonValue scalar => scalar.GetValueKind() switch
        {
            JsonValueKind.String => scalar.GetValue<string>().Length == 0,
            JsonValueKind.False => true,
            JsonValueKind.Number => scalar.ToJsonString() == "0",
            _ => false,
        },
        _ => false,
    };

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int number)
    {
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            if (reader.Field == number)
            {
                return reader.Bytes;
            }
        }

        return default;
    }

    private static JsonValue? Time(ReadOnlySpan<byte> message, string format)
    {
        if (message.IsEmpty)
        {
            return null;
        }

        var (seconds, nanos) = (0L, 0L);
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            (seconds, nanos) = reader.Field == 1 ? ((long)reader.Number, nanos) : (seconds, (long)reader.Number);
        }

        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
        return JsonValue.Create(time.UtcDateTime.ToString(format, CultureInfo.InvariantCulture));
    }

    private static JsonValue IntOrString(ReadOnlySpan<byte> message)
    {
        var (isText, number, text) = (false, 0L, "");
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1: isText = reader.Number == 1; break;
                case 2: number = (int)reader.Number; break;
                case 3: text = reader.Text; break;
            }
        }

        return isText ? JsonValue.Create(text)! : JsonValue.Create(number);
    }

    private static JsonNode? Embedded(ReadOnlySpan<byte> json)
    {
        try
        {
            return json.IsEmpty ? null : JsonNode.Parse(json);
        }
        catch (JsonException e)
        {
            throw KubeException.Of(400, "BadRequest", $"JSON embedded in the protobuf body: {e.Message}");
        }
    }

    private static JsonArray Texts(ReadOnlySpan<byte> message)
    {
        var list = new JsonArray();
        var reader = new ProtobufReader(message);
        while (reader.Read())
        {
            list.Add((JsonNode)reader.Text);
        }

        return list;
    }
}
