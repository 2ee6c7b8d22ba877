using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Knet.CloudEvents.Http;

/// <summary>Writes events as JSON. Data that is JSON goes in as it is; other text as a string; anything else as <c>data_base64</c>.</summary>
public static class JsonEventWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One event in structured mode.</summary>
    public static byte[] Write(CloudEvent cloudEvent)
    {
        var buffer = new ArrayBufferWriter<byte>(cloudEvent.Data.Length + 512);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            WriteOne(writer, cloudEvent);
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A batch, in order.</summary>
    public static byte[] WriteBatch(IEnumerable<CloudEvent> events)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartArray();
            foreach (var one in events)
            {
                WriteOne(writer, one);
            }
            writer.WriteEndArray();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteOne(Utf8JsonWriter writer, CloudEvent cloudEvent)
    {
        writer.WriteStartObject();
        foreach (ref readonly var attribute in cloudEvent.Span)
        {
            switch (attribute.Kind)
            {
                case AttributeKind.Integer:
                    writer.WriteNumber(attribute.Name, int.Parse(attribute.Value, CultureInfo.InvariantCulture));
                    break;
                case AttributeKind.Boolean:
                    writer.WriteBoolean(attribute.Name, attribute.Value == "true");
                    break;
                default:
                    writer.WriteString(attribute.Name, attribute.Value);
                    break;
            }
        }
        if (!cloudEvent.Data.IsEmpty)
        {
            WriteData(writer, cloudEvent);
        }
        writer.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter writer, CloudEvent cloudEvent)
    {
        var data = cloudEvent.Data.Span;
        var isOld = cloudEvent.SpecVersion == "0.3";
        if (isOld && string.Equals(cloudEvent.Find(AttributeNames.DataContentEncoding), "base64", StringComparison.OrdinalIgnoreCase))
        {
            writer.WriteBase64String("data", data);
        }
        else if (MediaTypes.IsJson(cloudEvent.DataContentType) && IsJson(data))
        {
            writer.WritePropertyName("data");
            writer.WriteRawValue(data, skipInputValidation: true);
        }
        else if (!MediaTypes.IsJson(cloudEvent.DataContentType) && Utf8.IsValid(data))
        {
            writer.WriteString("data", data);
        }
        else if (isOld)
        {
            writer.WriteString(AttributeNames.DataContentEncoding, "base64");
            writer.WriteBase64String("data", data);
        }
        else
        {
            writer.WriteBase64String("data_base64", data);
        }
    }

    // A sender in binary mode may claim JSON and send something else; raw it would break the whole document.
    private static bool IsJson(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = 256 });
            while (reader.Read())
            {
                // Reading is checking.
            }
            return Utf8.IsValid(data);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
