using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary><c>kubectl get nodes</c>.</summary>
internal static class NodeColumns
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static IReadOnlyList<TableColumn> All { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Status", Status),
        TableColumn.Of("Roles", Roles),
        TableColumn.Age,
        TableColumn.Of("Version", o => o.Text("status", "nodeInfo", "kubeletVersion")),
        TableColumn.Wide("Internal-IP", o => Address(o, "InternalIP")),
        TableColumn.Wide("External-IP", o => Address(o, "ExternalIP")),
        TableColumn.Wide("OS-Image", o => Known(o.Text("status", "nodeInfo", "osImage"))),
        TableColumn.Wide("Kernel-Version", o => Known(o.Text("status", "nodeInfo", "kernelVersion"))),
        TableColumn.Wide("Container-Runtime", o => Known(o.Text("status", "nodeInfo", "containerRuntimeVersion"))),
    ];

    private static string Known(string text) => text.Length == 0 ? "<unknown>" : text;

    private static string Status(JsonElement node)
    {
        var ready = node.Condition("Ready") switch { "True" => "Ready", "" => "Unknown", _ => "NotReady" };
        return node.IsTrue("spec", "unschedulable") ? $"{ready},SchedulingDisabled" : ready;
    }

    private static string Roles(JsonElement node) => string.Join(',', node.Members("metadata", "labels")
        .Where(l => l.Name.StartsWith(RolePrefix, StringComparison.Ordinal)).Select(l => l.Name[RolePrefix.Length..])
        .Order(StringComparer.Ordinal)).OrNone();

    private static string Address(JsonElement node, string type)
    {
        foreach (var address in node.Items("status", "addresses"))
        {
            if (address.Text("type") == type)
            {
                return address.Text("address");
            }
        }

        return "<none>";
    }
}

/// <summary><c>kubectl get events</c>.</summary>
internal static class EventColumns
{
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        new("Last Seen", "string", 0, (o, now) => HumanDuration.Since(LastSeen(o), now)),
        TableColumn.Of("Type", o => o.Text("type")),
        TableColumn.Of("Reason", o => o.Text("reason")),
        TableColumn.Of("Object", o => Reference(o)),
        TableColumn.Wide("Subobject", o => Involved(o).Text("fieldPath")),
        TableColumn.Wide("Source", Source),
        TableColumn.Of("Message", o => (o.Text("message") is { Length: > 0 } text ? text : o.Text("note")).Trim()),
        new("First Seen", "string", 1, (o, now) => HumanDuration.Since(FirstSeen(o), now)),
        TableColumn.Wide("Count", o => Math.Max(1, Math.Max(o.Number("count"), o.Number("series", "count"))), "integer"),
        new("Name", "string", 1, (o, _) => o.Text("metadata", "name"), "name"),
    ];

    private static JsonElement Involved(JsonElement o) => o.Has("involvedObject") ? o.At("involvedObject") : o.At("regarding");

    private static string Reference(JsonElement o) => $"{Involved(o).Text("kind").ToLowerInvariant()}/{Involved(o).Text("name")}";

    private static string Source(JsonElement o)
    {
        var component = o.Text("source", "component") is { Length: > 0 } named ? named : o.Text("reportingComponent");
        var host = o.Text("source", "host");
        return host.Length > 0 ? $"{component}, {host}" : component;
    }

    private static string LastSeen(JsonElement o) => First(
        o.Text("series", "lastObservedTime"), o.Text("lastTimestamp"), o.Text("deprecatedLastTimestamp"), FirstSeen(o));

    private static string FirstSeen(JsonElement o) => First(
        o.Text("firstTimestamp"), o.Text("eventTime"), o.Text("deprecatedFirstTimestamp"), o.Text("metadata", "creationTimestamp"));

    private static string First(params ReadOnlySpan<string> times)
    {
        foreach (var time in times)
        {
            if (time.Length > 0)
            {
                return time;
            }
        }

        return "";
    }
}
