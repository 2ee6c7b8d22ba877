using System.Globalization;
using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary>Kinds that make pods.</summary>
internal static class WorkloadColumns
{
    public static IReadOnlyList<TableColumn> Deployments { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Ready", o => $"{o.Number("status", "readyReplicas")}/{Wanted(o)}"),
        TableColumn.Of("Up-to-date", o => o.Number("status", "updatedReplicas"), "integer"),
        TableColumn.Of("Available", o => o.Number("status", "availableReplicas"), "integer"),
        TableColumn.Age,
        .. Containers(),
        TableColumn.Wide("Selector", o => TableColumns.Selector(o.At("spec", "selector"))),
    ];

    public static IReadOnlyList<TableColumn> ReplicaSets { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Desired", o => Wanted(o), "integer"),
        TableColumn.Of("Current", o => o.Number("status", "replicas"), "integer"),
        TableColumn.Of("Ready", o => o.Number("status", "readyReplicas"), "integer"),
        TableColumn.Age,
        .. Containers(),
        TableColumn.Wide("Selector", o => TableColumns.Selector(o.At("spec", "selector"))),
    ];

    public static IReadOnlyList<TableColumn> StatefulSets { get; } =
        [TableColumn.Name_, TableColumn.Of("Ready", o => $"{o.Number("status", "readyReplicas")}/{Wanted(o)}"), TableColumn.Age, .. Containers()];

    public static IReadOnlyList<TableColumn> DaemonSets { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Desired", o => o.Number("status", "desiredNumberScheduled"), "integer"),
        TableColumn.Of("Current", o => o.Number("status", "currentNumberScheduled"), "integer"),
        TableColumn.Of("Ready", o => o.Number("status", "numberReady"), "integer"),
        TableColumn.Of("Up-to-date", o => o.Number("status", "updatedNumberScheduled"), "integer"),
        TableColumn.Of("Available", o => o.Number("status", "numberAvailable"), "integer"),
        TableColumn.Of("Node Selector", o => TableColumns.Map(o.At("spec", "template", "spec", "nodeSelector"))),
        TableColumn.Age,
        .. Containers(),
    ];

    public static IReadOnlyList<TableColumn> Jobs { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Status", JobStatus),
        TableColumn.Of("Completions", Completions),
        new("Duration", "string", 0, Duration),
        TableColumn.Age,
        .. Containers(),
        TableColumn.Wide("Selector", o => TableColumns.Selector(o.At("spec", "selector"))),
    ];

    public static IReadOnlyList<TableColumn> CronJobs { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Schedule", o => o.Text("spec", "schedule")),
        TableColumn.Of("Timezone", o => o.Text("spec", "timeZone").OrNone()),
        TableColumn.Of("Suspend", o => o.IsTrue("spec", "suspend") ? "True" : "False"),
        TableColumn.Of("Active", o => (long)o.Items("status", "active").Count(), "integer"),
        new("Last Schedule", "string", 0, (o, now) =>
            o.Has("status", "lastScheduleTime") ? HumanDuration.Since(o.Text("status", "lastScheduleTime"), now) : "<none>"),
        TableColumn.Age,
    ];

    public static IReadOnlyList<TableColumn> Autoscalers { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Reference", o => $"{o.Text("spec", "scaleTargetRef", "kind")}/{o.Text("spec", "scaleTargetRef", "name")}"),
        TableColumn.Of("Targets", Targets),
        TableColumn.Of("MinPods", o => o.Text("spec", "minReplicas") is { Length: > 0 } least ? least : "<unset>"),
        TableColumn.Of("MaxPods", o => o.Number("spec", "maxReplicas"), "integer"),
        TableColumn.Of("Replicas", o => o.Number("status", "currentReplicas"), "integer"),
        TableColumn.Age,
    ];

    public static IReadOnlyList<TableColumn> DisruptionBudgets { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Min Available", o => o.Text("spec", "minAvailable") is { Length: > 0 } least ? least : "N/A"),
        TableColumn.Of("Max Unavailable", o => o.Text("spec", "maxUnavailable") is { Length: > 0 } most ? most : "N/A"),
        TableColumn.Of("Allowed Disruptions", o => o.Number("status", "disruptionsAllowed"), "integer"),
        TableColumn.Age,
    ];

    private static long Wanted(JsonElement o) => o.Has("spec", "replicas") ? o.Number("spec", "replicas") : 1;

    private static TableColumn[] Containers()
    {
        static string All(JsonElement o, string member) =>
            string.Join(',', o.Items("spec", "template", "spec", "containers").Select(c => c.Text(member)));
        return [TableColumn.Wide("Containers", o => All(o, "name")), TableColumn.Wide("Images", o => All(o, "image"))];
    }

    private static string JobStatus(JsonElement job) =>
        job.Condition("Complete") == "True" ? "Complete"
        : job.Condition("Failed") == "True" ? "Failed"
        : job.Has("metadata", "deletionTimestamp") ? "Terminating"
        : job.Condition("Suspended") == "True" ? "Suspended"
        : job.Condition("FailureTarget") == "True" ? "FailureTarget"
        : job.Condition("SuccessCriteriaMet") == "True" ? "SuccessCriteriaMet"
        : "Running";

    private static string Completions(JsonElement job)
    {
        var done = job.Number("status", "succeeded");
        if (job.Has("spec", "completions"))
        {
            return $"{done}/{job.Number("spec", "completions")}";
        }

        var parallel = job.Number("spec", "parallelism");
        return parallel > 1 ? $"{done}/1 of {parallel}" : $"{done}/1";
    }

    private static string Duration(JsonElement job, DateTimeOffset now)
    {
        if (!job.Has("status", "startTime"))
        {
            return "";
        }

        return DateTimeOffset.TryParse(job.Text("status", "completionTime"), CultureInfo.InvariantCulture, out var end)
            ? HumanDuration.Since(job.Text("status", "startTime"), end)
            : HumanDuration.Since(job.Text("status", "startTime"), now);
    }

    private static string Targets(JsonElement o)
    {
        var texts = new List<string>();
        var current = o.Items("status", "currentMetrics").ToList();
        foreach (var metric in o.Items("spec", "metrics"))
        {
            var source = metric.Text("type") == "ContainerResource" ? "containerResource" : "resource";
            var name = metric.Text(source, "name");
            var member = metric.Text(source, "target", "type") == "Utilization" ? "averageUtilization" : "averageValue";
            var unit = member == "averageUtilization" ? "%" : "";
            var now = current.FirstOrDefault(c => c.Text("type") == metric.Text("type") && c.Text(source, "name") == name
                && c.Text(source, "container") == metric.Text(source, "container")).Text(source, "current", member);
            var target = metric.Text(source, "target", member);
            var (present, wanted) = (now.Length > 0 ? now + unit : "<unknown>", target.Length > 0 ? target + unit : "<auto>");
            texts.Add($"{(name.Length > 0 ? name + ": " : "")}{present}/{wanted}");
        }

        return string.Join(", ", texts).OrNone();
    }
}
