using System.Runtime.CompilerServices;
using System.Text.Json;
using Knet.ApiServer.Registry;

namespace Knet.ApiServer.Http.Tables;

/// <summary>The columns that a CRD declares.</summary>
internal static class CustomColumns
{
    private static readonly ConditionalWeakTable<KindInfo, IReadOnlyList<TableColumn>> Known = [];

    public static IReadOnlyList<TableColumn> For(KindInfo kind) => Known.GetValue(kind, Make);

    private static IReadOnlyList<TableColumn> Make(KindInfo kind)
    {
        if (kind.PrinterColumns.Count == 0)
        {
            return [TableColumn.Name_, TableColumn.Age];
        }

        return [TableColumn.Name_, .. kind.PrinterColumns.Select(column =>
        {
            var path = JsonPath.Parse(column.JsonPath);
            return new TableColumn(
                column.Name, column.Type, column.Priority, (o, now) => Cell(path, column.Type, o, now), column.Format, column.Description);
        })];
    }

    private static object? Cell(JsonPath path, string type, JsonElement value, DateTimeOffset now)
    {
        var found = path.Find(value);
        if (found.Count == 0)
        {
            return null;
        }

        var first = found[0];
        switch (type)
        {
            case "date":
                return first.ValueKind != JsonValueKind.String ? null
                    : HumanDuration.Since(first.GetString(), now) is var age and not "<unknown>" ? age : "<invalid>";
            case "integer" when first.ValueKind == JsonValueKind.Number:
                return first.TryGetInt64(out var whole) ? whole : (long)first.GetDouble();
            case "number" when first.ValueKind == JsonValueKind.Number:
                return first.GetDouble();
            case "boolean" when first.ValueKind is JsonValueKind.True or JsonValueKind.False:
                return first.GetBoolean();
            case "string":
                return Text(first); // a path that finds several shows the first, as in Kubernetes
            default:
                return null;
        }
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => value.GetRawText(),
    };
}
