using System.Text.Json.Nodes;
using Knet.Node.Pods;
using Knet.Node.Runtime;

namespace Knet.Node.Kubelet;

/// <summary>What the pods use, in the form of kubelet's <c>/stats/summary</c>; only members that this node knows.</summary>
internal static class StatsSummary
{
    public static JsonObject Of(string nodeName, IEnumerable<PodContext> pods, Cgroups cgroups, DateTimeOffset now) => new()
    {
        ["node"] = Machine(nodeName, now),
        ["pods"] = new JsonArray([.. pods.Select(p => Pod(p, cgroups, now))]),
    };

    private static JsonObject Pod(PodContext pod, Cgroups cgroups, DateTimeOffset now)
    {
        var containers = pod.All.Where(s => s.IsRunning && s.Run is not null)
            .Select(s => (s.Name, Usage: cgroups.Usage(s.Run!.CgroupsPath), s.State.Running?.StartedAt)).ToList();
        var total = new CgroupUsage(
            containers.Sum(c => c.Usage.CpuNanos), containers.Sum(c => c.Usage.MemoryBytes), containers.Sum(c => c.Usage.WorkingSetBytes));
        var result = Usage(total, now);
        result["podRef"] = new JsonObject { ["name"] = pod.Name, ["namespace"] = pod.Namespace, ["uid"] = pod.Uid };
        result["startTime"] = pod.StartTime;
        result["containers"] = new JsonArray([.. containers.Select(c =>
        {
            var container = Usage(c.Usage, now);
            container["name"] = c.Name;
            container["startTime"] = c.StartedAt;
            return (JsonNode)container;
        })]);
        return result;
    }

    // The machine as a whole, as kubelet reads its root group; where that is hidden, /proc says the same.
    private static JsonObject Machine(string nodeName, DateTimeOffset now)
    {
        var result = Usage(MachineUsage.Read(), now);
        result["nodeName"] = nodeName;
        return result;
    }

    private static JsonObject Usage(CgroupUsage usage, DateTimeOffset now) => new()
    {
        ["cpu"] = new JsonObject { ["time"] = now.UtcDateTime, ["usageCoreNanoSeconds"] = usage.CpuNanos },
        ["memory"] = new JsonObject
        {
            ["time"] = now.UtcDateTime, ["usageBytes"] = usage.MemoryBytes, ["workingSetBytes"] = usage.WorkingSetBytes,
        },
    };
}
