using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Storage;

/// <summary>
/// An object as JSON with an empty <c>metadata.resourceVersion</c> and the place where its digits go. Encoding happens before the
/// store's lock is taken; under it only bytes are copied.
/// </summary>
/// <param name="Body">UTF-8 JSON.</param>
/// <param name="At">Offset between the two quotes of the empty resource version.</param>
public sealed record EncodedObject(ReadOnlyMemory<byte> Body, int At)
{
    private static ReadOnlySpan<byte> ResourceVersion => "\"resourceVersion\":\""u8;

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Encodes an object, apiVersion, kind and metadata first. A resource version in it is ignored.</summary>
    public static EncodedObject From(JsonObject value)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        writer.WriteStartObject();
        WriteMember(writer, value, "kind");
        WriteMember(writer, value, "apiVersion");
        var at = WriteMetadata(writer, value["metadata"] as JsonObject);
        foreach (var (name, member) in value)
        {
            if (name is not ("kind" or "apiVersion" or "metadata") && member is not null)
            {
                writer.WritePropertyName(name);
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
        writer.Flush();
        return new EncodedObject(buffer.WrittenMemory, at);
    }

    /// <summary>The JSON with a revision filled in; 0, which is none (a dry run's creation), leaves the member out.</summary>
    public byte[] Stamp(long revision)
    {
        if (revision == 0)
        {
            return Unversioned();
        }

        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(revision, digits, out var count);
        var stamped = new byte[Body.Length + count];
        Body.Span[..At].CopyTo(stamped);
        digits[..count].CopyTo(stamped.AsSpan(At));
        Body.Span[At..].CopyTo(stamped.AsSpan(At + count));
        return stamped;
    }

    private byte[] Unversioned()
    {
        var rest = Body.Span[(At + 1)..];
        return [.. Body.Span[..(At - ResourceVersion.Length)], .. (rest[0] == ',' ? rest[1..] : rest)];
    }

    private static int WriteMetadata(Utf8JsonWriter writer, JsonObject? metadata)
    {
        writer.WriteStartObject("metadata");
        writer.WriteString("resourceVersion", "");
        var at = (int)(writer.BytesCommitted + writer.BytesPending) - 1;
        foreach (var (name, member) in metadata ?? [])
        {
            if (name != "resourceVersion" && member is not null)
            {
                writer.WritePropertyName(name);
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
        return at;
    }

    private static void WriteMember(Utf8JsonWriter writer, JsonObject value, string name)
    {
        if (value[name] is { } member)
        {
            writer.WritePropertyName(name);
            member.WriteTo(writer);
        }
    }
}
