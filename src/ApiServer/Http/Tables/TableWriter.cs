using System.Text.Json;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http.Tables;

/// <summary>What each row carries besides its cells.</summary>
internal enum IncludeObject
{
    Metadata,
    Object,
    None,
}

/// <summary>Writes <c>meta.k8s.io/v1 Table</c>. One per answer or watch: column definitions stand only in a watch's first event.</summary>
internal sealed class TableWriter(IReadOnlyList<TableColumn> columns, IncludeObject include, TimeProvider time)
{
    private bool _hasColumns;

    /// <exception cref="KubeException">400: unknown value of includeObject.</exception>
    public static TableWriter For(HttpRequest http, KindInfo kind, TimeProvider time)
    {
        var include = RequestOptions.Text(http, "includeObject") switch
        {
            null or "" or "Metadata" => IncludeObject.Metadata,
            "Object" => IncludeObject.Object,
            "None" => IncludeObject.None,
            var other => throw Refusals.BadRequest($"unrecognized includeObject value: \"{other}\""),
        };
        return new(TableColumns.For(kind), include, time);
    }

    public ReadOnlyMemory<byte> Page(KubeListPage page) => Answers.Make(w => Write(w, page.Items, () => Lists.WriteListMeta(w, page)));

    public ReadOnlyMemory<byte> Single(KubeDocument document) => Answers.Make(w => Write(w, [document], () => WriteVersion(w, document)));

    /// <summary>A watch event's table with one row.</summary>
    public ReadOnlyMemory<byte> Event(KubeDocument document, bool isBookmark) =>
        Answers.Make(w => Write(w, [document], () => WriteVersion(w, document), isBookmark));

    private static void WriteVersion(Utf8JsonWriter w, KubeDocument document)
    {
        w.WriteStartObject("metadata");
        w.WriteString("resourceVersion", document.Metadata.ResourceVersion ?? "");
        w.WriteEndObject();
    }

    private void Write(Utf8JsonWriter w, IReadOnlyList<KubeDocument> items, Action writeMetadata, bool isBookmark = false)
    {
        w.WriteStartObject();
        w.WriteString("kind", "Table");
        w.WriteString("apiVersion", "meta.k8s.io/v1");
        writeMetadata();
        w.WriteStartArray("columnDefinitions");
        if (!_hasColumns)
        {
            _hasColumns = !isBookmark;
            WriteColumns(w);
        }

        w.WriteEndArray();
        w.WriteStartArray("rows");
        var now = time.GetUtcNow();
        foreach (var item in items)
        {
            WriteRow(w, item, now, isBookmark);
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }

    private void WriteColumns(Utf8JsonWriter w)
    {
        foreach (var column in columns)
        {
            w.WriteStartObject();
            w.WriteString("name", column.Name);
            w.WriteString("type", column.Type);
            w.WriteString("format", column.Format);
            w.WriteString("description", column.Description);
            w.WriteNumber("priority", column.Priority);
            w.WriteEndObject();
        }
    }

    private void WriteRow(Utf8JsonWriter w, KubeDocument item, DateTimeOffset now, bool isBookmark)
    {
        w.WriteStartObject();
        w.WriteStartArray("cells");
        if (!isBookmark)
        {
            using var document = JsonDocument.Parse(item.Json);
            foreach (var column in columns)
            {
                WriteCell(w, column.Cell(document.RootElement, now));
            }
        }

        w.WriteEndArray();
        switch (include)
        {
            case IncludeObject.Metadata:
                w.WritePropertyName("object");
                Lists.WriteMetadata(w, item);
                break;
            case IncludeObject.Object:
                w.WritePropertyName("object");
                w.WriteRawValue(item.Json.Span, skipInputValidation: true);
                break;
        }

        w.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter w, object? cell)
    {
        switch (cell)
        {
            case null: w.WriteNullValue(); break;
            case long number: w.WriteNumberValue(number); break;
            case double number: w.WriteNumberValue(number); break;
            case bool flag: w.WriteBooleanValue(flag); break;
            default: w.WriteStringValue((string)cell); break;
        }
    }
}
