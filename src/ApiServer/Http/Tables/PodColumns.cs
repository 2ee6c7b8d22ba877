using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary><c>kubectl get pods</c>.</summary>
internal static class PodColumns
{
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Ready", Ready),
        TableColumn.Of("Status", Status),
        new("Restarts", "string", 0, Restarts),
        TableColumn.Age,
        TableColumn.Wide("IP", o => o.Text("status", "podIP").OrNone()),
        TableColumn.Wide("Node", o => o.Text("spec", "nodeName").OrNone()),
        TableColumn.Wide("Nominated Node", o => o.Text("status", "nominatedNodeName").OrNone()),
        TableColumn.Wide("Readiness Gates", Gates),
    ];

    /// <summary>The one word (or two) that says how a pod is, by the rules kubectl users rely on.</summary>
    public static string Status(JsonElement pod)
    {
        var reason = pod.Text("status", "reason");
        if (reason.Length == 0)
        {
            reason = pod.Text("status", "phase");
        }

        foreach (var condition in pod.Items("status", "conditions"))
        {
            if (condition.Text("type") == "PodScheduled" && condition.Text("reason") == "SchedulingGated")
            {
                reason = "SchedulingGated";
            }
        }

        var initializing = Initializing(pod);
        if (initializing is not null)
        {
            reason = initializing;
        }
        else
        {
            reason = OfContainers(pod, reason);
        }

        if (pod.Has("metadata", "deletionTimestamp"))
        {
            return pod.Text("status", "reason") == "NodeLost" ? "Unknown"
                : pod.Text("status", "phase") is "Succeeded" or "Failed" ? reason
                : "Terminating";
        }

        return reason;
    }

    private static string? Initializing(JsonElement pod)
    {
        var total = pod.Items("spec", "initContainers").Count();
        var sidecars = pod.Items("spec", "initContainers").Where(c => c.Text("restartPolicy") == "Always").Select(c => c.Text("name")).ToHashSet();
        var index = -1;
        foreach (var container in pod.Items("status", "initContainerStatuses"))
        {
            index++;
            var ended = container.At("state", "terminated");
            if (ended.ValueKind == JsonValueKind.Object && ended.Number("exitCode") == 0)
            {
                continue;
            }

            if (sidecars.Contains(container.Text("name")) && container.IsTrue("started"))
            {
                continue;
            }

            if (ended.ValueKind == JsonValueKind.Object)
            {
                return "Init:" + Ended(ended);
            }

            var waiting = container.Text("state", "waiting", "reason");
            return waiting.Length > 0 && waiting != "PodInitializing" ? "Init:" + waiting : $"Init:{index}/{total}";
        }

        return null;
    }

    private static string OfContainers(JsonElement pod, string reason)
    {
        var hasRunning = false;
        foreach (var container in pod.Items("status", "containerStatuses").Reverse())
        {
            var waiting = container.Text("state", "waiting", "reason");
            var ended = container.At("state", "terminated");
            if (waiting.Length > 0)
            {
                reason = waiting;
            }
            else if (ended.ValueKind == JsonValueKind.Object)
            {
                reason = Ended(ended);
            }
            else if (container.IsTrue("ready") && container.Has("state", "running"))
            {
                hasRunning = true;
            }
        }

        // One container done, another still running: the pod runs.
        return reason == "Completed" && hasRunning ? pod.Condition("Ready") == "True" ? "Running" : "NotReady" : reason;
    }

    private static string Ended(JsonElement ended)
    {
        var reason = ended.Text("reason");
        if (reason.Length > 0)
        {
            return reason;
        }

        return ended.Number("signal") is var signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{ended.Number("exitCode")}";
    }

    private static string Ready(JsonElement pod)
    {
        var sidecars = pod.Items("spec", "initContainers").Where(c => c.Text("restartPolicy") == "Always").Select(c => c.Text("name")).ToHashSet();
        var total = pod.Items("spec", "containers").Count() + sidecars.Count;
        var ready = pod.Items("status", "containerStatuses").Count(c => c.IsTrue("ready") && c.Has("state", "running"))
            + pod.Items("status", "initContainerStatuses").Count(c => sidecars.Contains(c.Text("name")) && c.IsTrue("ready"));
        return $"{ready}/{total}";
    }

    private static object Restarts(JsonElement pod, DateTimeOffset now)
    {
        var statuses = pod.Items("status", "containerStatuses");
        if (Initializing(pod) is not null)
        {
            statuses = pod.Items("status", "initContainerStatuses");
        }

        var (count, last) = (0L, "");
        foreach (var container in statuses)
        {
            count += container.Number("restartCount");
            var ended = container.Text("lastState", "terminated", "finishedAt");
            last = string.CompareOrdinal(ended, last) > 0 ? ended : last;
        }

        return count > 0 && last.Length > 0 ? $"{count} ({HumanDuration.Since(last, now)} ago)" : count.Invariant();
    }

    private static string Gates(JsonElement pod)
    {
        var gates = pod.Items("spec", "readinessGates").ToList();
        return gates.Count == 0 ? "<none>" : $"{gates.Count(g => pod.Condition(g.Text("conditionType")) == "True")}/{gates.Count}";
    }
}
