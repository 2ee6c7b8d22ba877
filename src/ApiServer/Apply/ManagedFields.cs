using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Apply;

/// <summary>One entry of <c>metadata.managedFields</c>. Its set is decoded only when somebody asks.</summary>
internal sealed class ManagedEntry(string manager, string operation, string apiVersion, string subresource, string time, JsonNode? fields)
{
    private FieldSet? _set;

    public string Manager { get; } = manager;
    public string Operation { get; } = operation;
    public string ApiVersion { get; } = apiVersion;
    public string Subresource { get; } = subresource;
    public string Time { get; } = time;

    public FieldSet Set => _set ??= FieldSet.FromJson(fields);

    public ManagedEntry With(FieldSet set, string? newTime = null) =>
        new(Manager, Operation, ApiVersion, Subresource, newTime ?? Time, null) { _set = set };

    /// <summary>Whether both entries stand for one manager. An applier is the same in every version.</summary>
    public bool IsSame(ManagedEntry other) =>
        Manager == other.Manager && Operation == other.Operation && Subresource == other.Subresource
        && (Operation == "Apply" || ApiVersion == other.ApiVersion);

    /// <summary>As conflict messages name it.</summary>
    public string Described()
    {
        var name = $"\"{Manager}\"" + (Subresource.Length > 0 ? $" with subresource \"{Subresource}\"" : "");
        return Operation == "Update" ? $"{name} using {ApiVersion}" : name;
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["apiVersion"] = ApiVersion,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = _set is null ? fields?.DeepClone() : _set.ToJson(),
            ["manager"] = Manager,
            ["operation"] = Operation,
        };
        if (Subresource.Length > 0)
        {
            json["subresource"] = Subresource;
        }

        json["time"] = Time;
        return json;
    }
}

/// <summary>All entries of <c>metadata.managedFields</c>.</summary>
internal static class ManagedFields
{
    /// <summary>Kubernetes keeps at most this many updaters; the oldest beyond it become one.</summary>
    private const int MaxUpdaters = 10;
    private const string Ancient = "ancient-changes";

    public static string Format(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    public static List<ManagedEntry> Read(JsonObject? value)
    {
        var entries = new List<ManagedEntry>();
        if (value?["metadata"] is not JsonObject metadata || metadata["managedFields"] is not JsonArray list)
        {
            return entries;
        }

        foreach (var item in list)
        {
            if (item is JsonObject entry && Text(entry, "operation") is { Length: > 0 } operation)
            {
                entries.Add(new(Text(entry, "manager"), operation, Text(entry, "apiVersion"), Text(entry, "subresource"), Text(entry, "time"),
                    entry["fieldsV1"]));
            }
        }

        return entries;
    }

    /// <summary>Writes the entries in Kubernetes' order: appliers first, then by time.</summary>
    public static void Write(JsonObject value, List<ManagedEntry> entries)
    {
        if (value["metadata"] is not JsonObject metadata)
        {
            value["metadata"] = metadata = [];
        }

        var kept = Limit(entries.Where(e => !e.Set.IsEmpty).ToList());
        if (kept.Count == 0)
        {
            metadata.Remove("managedFields");
            return;
        }

        var list = new JsonArray();
        foreach (var entry in kept.OrderBy(e => e.Operation, StringComparer.Ordinal).ThenBy(e => e.Time, StringComparer.Ordinal)
            .ThenBy(e => e.Manager, StringComparer.Ordinal))
        {
            list.Add((JsonNode)entry.ToJson());
        }

        metadata["managedFields"] = list;
    }

    private static List<ManagedEntry> Limit(List<ManagedEntry> entries)
    {
        var updaters = entries.Where(e => e.Operation == "Update" && e.Subresource.Length == 0)
            .OrderBy(e => e.Time, StringComparer.Ordinal).ToList();
        while (updaters.Count > MaxUpdaters)
        {
            var (oldest, next) = (updaters[0], updaters[1]);
            var merged = new ManagedEntry(Ancient, "Update", next.ApiVersion, "", next.Time, null).With(FieldSet.Union(oldest.Set, next.Set));
            entries.Remove(oldest);
            entries.Remove(next);
            entries.Add(merged);
            updaters.RemoveRange(0, 2);
            updaters.Insert(0, merged);
        }

        return entries;
    }

    private static string Text(JsonObject entry, string name) =>
        entry[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : "";
}
