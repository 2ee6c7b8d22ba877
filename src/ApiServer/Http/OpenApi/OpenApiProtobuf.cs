using System.Text.Json;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>
/// An OpenAPI v2 document in the protobuf form that kubectl asks for (gnostic's <c>openapi.v2.Document</c>; the numbers are those of its
/// OpenAPIv2.proto). Members that have no field there are left out; <c>x-…</c> members become vendor extensions.
/// </summary>
internal static class OpenApiProtobuf
{
    /// <summary>What clients ask for.</summary>
    public const string MediaType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

    /// <summary>What answers are called, as in Kubernetes: an at sign is not allowed in a media type, and Go's parser minds.</summary>
    public const string AnswerType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    private static readonly Dictionary<string, (int Field, Kind Kind)> Document = new()
    {
        ["swagger"] = (1, Kind.Text), ["info"] = (2, Kind.Info), ["paths"] = (8, Kind.Paths), ["definitions"] = (9, Kind.Schemas),
    };

    private static readonly Dictionary<string, (int Field, Kind Kind)> Info = new() { ["title"] = (1, Kind.Text), ["version"] = (2, Kind.Text) };

    private static readonly Dictionary<string, (int Field, Kind Kind)> PathItem = new()
    {
        ["get"] = (2, Kind.Operation), ["put"] = (3, Kind.Operation), ["post"] = (4, Kind.Operation), ["delete"] = (5, Kind.Operation),
        ["patch"] = (8, Kind.Operation), ["parameters"] = (9, Kind.Parameters), [Extension] = (10, Kind.Named),
    };

    private static readonly Dictionary<string, (int Field, Kind Kind)> Operation = new()
    {
        ["description"] = (3, Kind.Text), ["operationId"] = (5, Kind.Text), ["produces"] = (6, Kind.Texts), ["consumes"] = (7, Kind.Texts),
        ["parameters"] = (8, Kind.Parameters), ["responses"] = (9, Kind.Responses), [Extension] = (13, Kind.Named),
    };

    private static readonly Dictionary<string, (int Field, Kind Kind)> Parameter = new()
    {
        ["required"] = (1, Kind.Flag), ["in"] = (2, Kind.Text), ["description"] = (3, Kind.Text), ["name"] = (4, Kind.Text),
        ["type"] = (6, Kind.Text),
    };

    private static readonly Dictionary<string, (int Field, Kind Kind)> Response = new() { ["description"] = (1, Kind.Text) };

    private static readonly Dictionary<string, (int Field, Kind Kind)> Schema = new()
    {
        ["$ref"] = (1, Kind.Text), ["format"] = (2, Kind.Text), ["title"] = (3, Kind.Text), ["description"] = (4, Kind.Text),
        ["default"] = (5, Kind.Any), ["multipleOf"] = (6, Kind.Double), ["maximum"] = (7, Kind.Double), ["exclusiveMaximum"] = (8, Kind.Flag),
        ["minimum"] = (9, Kind.Double), ["exclusiveMinimum"] = (10, Kind.Flag), ["maxLength"] = (11, Kind.Integer),
        ["minLength"] = (12, Kind.Integer), ["pattern"] = (13, Kind.Text), ["maxItems"] = (14, Kind.Integer), ["minItems"] = (15, Kind.Integer),
        ["uniqueItems"] = (16, Kind.Flag), ["maxProperties"] = (17, Kind.Integer), ["minProperties"] = (18, Kind.Integer),
        ["required"] = (19, Kind.Texts), ["enum"] = (20, Kind.Anys), ["additionalProperties"] = (21, Kind.SchemaOrFlag),
        ["type"] = (22, Kind.Type), ["items"] = (23, Kind.Items), ["allOf"] = (24, Kind.AllOf), ["properties"] = (25, Kind.Schemas),
        [Extension] = (31, Kind.Named),
    };

    private const string Extension = "x-";

    private enum Kind
    {
        Text, Texts, Flag, Integer, Double, Any, Anys, Named, Type, Info, Paths, Operation, Parameters, Responses, Schemas, SchemaOrFlag, Items,
        AllOf,
    }

    /// <param name="json">The document as JSON.</param>
    public static ReadOnlyMemory<byte> FromJson(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 256 });
        return Message(document.RootElement, Document).Written;
    }

    private static ProtobufWriter Message(JsonElement value, Dictionary<string, (int Field, Kind Kind)> fields)
    {
        var message = new ProtobufWriter();
        foreach (var member in value.EnumerateObject())
        {
            var isExtension = member.Name.StartsWith(Extension, StringComparison.Ordinal);
            if (fields.TryGetValue(isExtension ? Extension : member.Name, out var field))
            {
                Write(message, field.Field, field.Kind, member);
            }
        }

        return message;
    }

    private static void Write(ProtobufWriter message, int field, Kind kind, JsonProperty member)
    {
        var value = member.Value;
        _ = kind switch
        {
            Kind.Text => message.Text(field, value.GetString()!),
            Kind.Texts => Each(message, value, (m, v) => m.Text(field, v.GetString()!)),
            Kind.Flag => message.Integer(field, value.GetBoolean() ? 1 : 0),
            Kind.Integer => message.Integer(field, (long)value.GetDouble()),
            Kind.Double => message.Double(field, value.GetDouble()),
            Kind.Any => message.Message(field, Any(value)),
            Kind.Anys => Each(message, value, (m, v) => m.Message(field, Any(v))),
            Kind.Named => message.Message(field, Named(member.Name, Any(value))),
            Kind.Type => message.Message(field, new ProtobufWriter().Text(1, value.GetString()!)),
            Kind.Info => message.Message(field, Message(value, Info)),
            Kind.Paths => message.Message(field, Members(value, 2, v => Message(v, PathItem))),
            Kind.Operation => message.Message(field, Message(value, Operation)),
            Kind.Parameters => Each(message, value, (m, v) => m.Message(field, QueryParameter(v))),
            Kind.Responses => message.Message(field, Members(value, 1, v => new ProtobufWriter().Message(1, Message(v, Response)))),
            Kind.Schemas => message.Message(field, Members(value, 1, v => Message(v, Schema))),
            Kind.SchemaOrFlag => message.Message(field, value.ValueKind == JsonValueKind.Object
                ? new ProtobufWriter().Message(1, Message(value, Schema))
                : new ProtobufWriter().Integer(2, value.GetBoolean() ? 1 : 0)),
            Kind.Items => message.Message(field, new ProtobufWriter().Message(1, Message(value, Schema))),
            _ => Each(message, value, (m, v) => m.Message(field, Message(v, Schema))),
        };
    }

    private static ProtobufWriter Each(ProtobufWriter message, JsonElement list, Action<ProtobufWriter, JsonElement> write)
    {
        foreach (var item in list.EnumerateArray())
        {
            write(message, item);
        }

        return message;
    }

    private static ProtobufWriter Members(JsonElement map, int field, Func<JsonElement, ProtobufWriter> make)
    {
        var message = new ProtobufWriter();
        foreach (var member in map.EnumerateObject())
        {
            message.Message(field, Named(member.Name, make(member.Value)));
        }

        return message;
    }

    private static ProtobufWriter Named(string name, ProtobufWriter value) => new ProtobufWriter().Text(1, name).Message(2, value);

    // Any value goes as YAML, which JSON is.
    private static ProtobufWriter Any(JsonElement value) => new ProtobufWriter().Text(2, value.GetRawText());

    // A parameter is not a body, and stands in the query.
    private static ProtobufWriter QueryParameter(JsonElement value) =>
        new ProtobufWriter().Message(1, new ProtobufWriter().Message(2, new ProtobufWriter().Message(3, Message(value, Parameter))));
}
