using System.Text.Json;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;

namespace Knet.ApiServer.Http;

/// <summary>Lists as JSON; the items are copied as they are stored.</summary>
internal static class Lists
{
    public static ReadOnlyMemory<byte> Full(KindInfo kind, KubeListPage page) => Answers.Make(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", kind.ListKind);
        w.WriteString("apiVersion", kind.Type.ApiVersion);
        WriteListMeta(w, page);
        w.WriteStartArray("items");
        foreach (var item in page.Items)
        {
            w.WriteRawValue(item.Json.Span, skipInputValidation: true);
        }

        w.WriteEndArray();
        w.WriteEndObject();
    });

    public static ReadOnlyMemory<byte> Metadata(KubeListPage page) => Answers.Make(w =>
    {
        w.WriteStartObject();
        w.WriteString("kind", "PartialObjectMetadataList");
        w.WriteString("apiVersion", "meta.k8s.io/v1");
        WriteListMeta(w, page);
        w.WriteStartArray("items");
        foreach (var item in page.Items)
        {
            WriteMetadata(w, item);
        }

        w.WriteEndArray();
        w.WriteEndObject();
    });

    public static ReadOnlyMemory<byte> Metadata(KubeDocument document) => Answers.Make(w => WriteMetadata(w, document));

    public static void WriteListMeta(Utf8JsonWriter w, KubeListPage page)
    {
        w.WriteStartObject("metadata");
        w.WriteString("resourceVersion", page.ResourceVersion);
        if (!string.IsNullOrEmpty(page.Continue))
        {
            w.WriteString("continue", page.Continue);
        }

        if (page.Remaining is { } remaining)
        {
            w.WriteNumber("remainingItemCount", remaining);
        }

        w.WriteEndObject();
    }

    /// <summary>A <c>PartialObjectMetadata</c>.</summary>
    public static void WriteMetadata(Utf8JsonWriter w, KubeDocument document)
    {
        w.WriteStartObject();
        w.WriteString("kind", "PartialObjectMetadata");
        w.WriteString("apiVersion", "meta.k8s.io/v1");
        w.WritePropertyName("metadata");
        w.WriteRawValue(RawMetadata(document.Json.Span), skipInputValidation: true);
        w.WriteEndObject();
    }

    private static ReadOnlySpan<byte> RawMetadata(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isMetadata)
            {
                return json[start..(int)reader.BytesConsumed];
            }
        }

        return "{}"u8;
    }
}
