using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Knet.CloudEvents.Http;

/// <summary>Events in JSON (CloudEvents JSON format 1.0.2): one in structured mode, many in a batch. JSON data stays the bytes that came.</summary>
internal static class JsonEventReader
{
    // Data is skipped, never built; the depth limits what a hostile sender can make the reader keep.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 256 };

    public static CloudEvent Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body.Span, Options);
            reader.Read();
            var read = ReadOne(ref reader, body);
            return reader.Read() ? throw CloudEventException.Bad("the body has something after the event") : read;
        }
        catch (JsonException e)
        {
            throw CloudEventException.Bad($"the body is not valid JSON: {Cause(e)}");
        }
    }

    public static IReadOnlyList<CloudEvent> ReadBatch(ReadOnlyMemory<byte> body, int eventsMax)
    {
        var events = new List<CloudEvent>();
        try
        {
            var reader = new Utf8JsonReader(body.Span, Options);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw CloudEventException.Bad("a batch is a JSON array of events");
            }
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (events.Count == eventsMax)
                {
                    throw new CloudEventException(413, $"the batch has more than {eventsMax} events; send several smaller ones");
                }
                events.Add(ReadOne(ref reader, body));
            }
            return reader.Read() ? throw CloudEventException.Bad("the body has something after the batch") : events;
        }
        catch (JsonException e)
        {
            throw CloudEventException.Bad($"[{events.Count}]: the body is not valid JSON: {Cause(e)}");
        }
        catch (CloudEventException e) when (e.StatusCode == 400)
        {
            throw CloudEventException.Bad($"[{events.Count}]: {e.Message}");
        }
    }

    private static CloudEvent ReadOne(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw CloudEventException.Bad("an event in structured mode is a JSON object");
        }
        var attributes = new List<EventAttribute>(12);
        Data? data = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = ReadName(ref reader);
            reader.Read();
            if (name is "data" or "data_base64")
            {
                data = ReadData(ref reader, name, data, body);
            }
            else if (ReadAttribute(ref reader, name) is { } attribute)
            {
                attributes.Add(attribute);
            }
        }
        return CloudEvent.Validated([.. attributes], data is null ? default : Bytes(data.Value, attributes));
    }

    private static string ReadName(ref Utf8JsonReader reader)
    {
        try
        {
            var name = reader.GetString()!;
            return AttributeNames.Known(name) ?? name;
        }
        catch (InvalidOperationException)
        {
            throw CloudEventException.Bad("a member's name is not valid UTF-8");
        }
    }

    private static EventAttribute? ReadAttribute(ref Utf8JsonReader reader, string name)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.True or JsonTokenType.False:
                return new(name, reader.TokenType == JsonTokenType.True ? "true" : "false", AttributeKind.Boolean);
            case JsonTokenType.Number:
                return reader.TryGetInt32(out var number)
                    ? new(name, number.ToString(CultureInfo.InvariantCulture), AttributeKind.Integer)
                    : throw CloudEventException.Bad($"{name}: numbers are whole and fit 32 bits; send it as a string");
            case JsonTokenType.String:
                try
                {
                    return new(name, reader.GetString()!);
                }
                catch (InvalidOperationException)
                {
                    throw CloudEventException.Bad($"{name}: is not valid UTF-8");
                }
            default:
                throw CloudEventException.Bad($"{name}: must be a string, a number or a boolean");
        }
    }

    private static Data? ReadData(ref Utf8JsonReader reader, string name, Data? before, ReadOnlyMemory<byte> body)
    {
        if (before is not null)
        {
            throw CloudEventException.Bad($"{name}: there is data already; an event has one of data and data_base64, once");
        }
        var type = reader.TokenType;
        if (name == "data_base64")
        {
            return type switch
            {
                JsonTokenType.Null => null,
                JsonTokenType.String when reader.TryGetBytesFromBase64(out var bytes) => new Data(bytes, null, IsFinal: true),
                _ => throw CloudEventException.Bad("data_base64: must be a string in base64"),
            };
        }
        if (type == JsonTokenType.Null)
        {
            return null;
        }
        var start = (int)reader.TokenStartIndex;
        if (type == JsonTokenType.String)
        {
            try
            {
                var text = reader.GetString()!;
                return new Data(body[start..(int)reader.BytesConsumed], text, IsFinal: false);
            }
            catch (InvalidOperationException)
            {
                throw CloudEventException.Bad("data: is not valid UTF-8");
            }
        }
        reader.Skip();
        return new Data(body[start..(int)reader.BytesConsumed], null, IsFinal: false);
    }

    private static ReadOnlyMemory<byte> Bytes(Data data, List<EventAttribute> attributes)
    {
        if (data.IsFinal)
        {
            return data.Raw;
        }
        var encoding = attributes.Find(a => a.Name == AttributeNames.DataContentEncoding).Value;
        if (data.Text is not null && string.Equals(encoding, "base64", StringComparison.OrdinalIgnoreCase))
        {
            // 0.3 said by an attribute what 1.0 says by the member's name.
            var bytes = new byte[data.Text.Length];
            return Convert.TryFromBase64String(data.Text, bytes, out var length) ? bytes.AsMemory(0, length)
                : throw CloudEventException.Bad("data: datacontentencoding is base64, but the data is not");
        }
        var type = attributes.Find(a => a.Name == AttributeNames.DataContentType).Value;
        return data.Text is not null && !MediaTypes.IsJson(type) ? Encoding.UTF8.GetBytes(data.Text) : data.Raw;
    }

    private static string Cause(JsonException e) => e.Message.Split(" LineNumber:")[0];

    private readonly record struct Data(ReadOnlyMemory<byte> Raw, string? Text, bool IsFinal);
}
