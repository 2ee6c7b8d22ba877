using k8s.Models;

namespace Knet.Node.Pods;

/// <summary>Everything a pod's status is made of.</summary>
internal sealed record PodFacts
{
    public required V1Pod Pod { get; init; }
    public required IReadOnlyList<V1ContainerStatus> Init { get; init; }
    public required IReadOnlyList<V1ContainerStatus> App { get; init; }
    public required string HostIp { get; init; }
    public required DateTime StartTime { get; init; }
    public required DateTime Now { get; init; }
    public string? PodIp { get; init; }

    /// <summary>All containers were stopped because the pod is deleted: the phase is final, whatever the restart policy.</summary>
    public bool Stopped { get; init; }

    /// <summary>The node will not run the pod, or ended it: reason and message of the phase Failed.</summary>
    public (string Reason, string Message)? Failure { get; init; }

    /// <summary>The node never took the pod: as with kubelet, nothing is said of its containers.</summary>
    public bool Refused { get; init; }

    /// <summary>The conditions last reported, for their transition times and for those that others own.</summary>
    public IList<V1PodCondition> Before { get; init; } = [];
}

/// <summary>Computes a pod's status as kubelet does. Pure.</summary>
internal static class PodStatus
{
    private static readonly string[] Ours =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "DisruptionTarget"];

    public static V1PodStatus Of(PodFacts facts)
    {
        var phase = Phase(facts);
        return new V1PodStatus
        {
            ObservedGeneration = facts.Pod.Metadata.Generation,
            Phase = phase,
            Reason = facts.Failure?.Reason,
            Message = facts.Failure?.Message,
            Conditions = Conditions(facts, phase),
            HostIP = facts.HostIp,
            HostIPs = [new V1HostIP { Ip = facts.HostIp }],
            PodIP = facts.PodIp,
            PodIPs = facts.PodIp is { } ip ? [new V1PodIP { Ip = ip }] : null,
            StartTime = facts.StartTime,
            InitContainerStatuses = facts.Init.Count > 0 && !facts.Refused ? [.. facts.Init] : null,
            ContainerStatuses = facts.App.Count > 0 && !facts.Refused ? [.. facts.App] : null,
            QosClass = facts.Pod.Status?.QosClass ?? Qos(facts.Pod.Spec),
        };
    }

    /// <summary>The phase by what the containers do.</summary>
    public static string Phase(PodFacts facts)
    {
        if (facts.Failure is not null)
        {
            return "Failed";
        }

        var policy = facts.Pod.Spec.RestartPolicy ?? "Always";
        var succeeded = facts.App.Count(c => Ended(c) is { ExitCode: 0 });
        if (facts.Stopped)
        {
            return succeeded == facts.App.Count && !InitFailed(facts, "Never") ? "Succeeded" : "Failed";
        }

        if (InitFailed(facts, policy))
        {
            return "Failed";
        }

        if (!IsInitialized(facts) && !facts.App.Any(c => c.State?.Running is not null || Ended(c) is not null))
        {
            return "Pending";
        }

        var running = facts.App.Count(c => c.State?.Running is not null);
        var stopped = facts.App.Count(c => Ended(c) is not null);
        if (running + stopped < facts.App.Count)
        {
            return "Pending";
        }

        // Sidecars are stopped after the others; the pod has not ended before them.
        var beside = facts.Init.Any(c => IsSidecar(facts.Pod, c.Name) && c.State?.Running is not null);
        return running > 0 || beside || policy == "Always" ? "Running"
            : succeeded == stopped ? "Succeeded"
            : policy == "Never" ? "Failed" : "Running";
    }

    /// <summary>Guaranteed, Burstable or BestEffort by requests and limits of cpu and memory.</summary>
    public static string Qos(V1PodSpec spec)
    {
        string[] resources = ["cpu", "memory"];
        var containers = spec.Containers.Concat(spec.InitContainers ?? []).Select(c => c.Resources).ToList();
        bool Has(IDictionary<string, ResourceQuantity>? list, string name) =>
            list is not null && list.TryGetValue(name, out var q) && q.ToDecimal() > 0;
        if (!containers.Any(r => resources.Any(n => Has(r?.Requests, n) || Has(r?.Limits, n))))
        {
            return "BestEffort";
        }

        var guaranteed = containers.All(r => resources.All(n =>
            Has(r?.Limits, n) && (!Has(r!.Requests, n) || r.Requests[n].ToDecimal() == r.Limits[n].ToDecimal())));
        return guaranteed ? "Guaranteed" : "Burstable";
    }

    private static bool IsSidecar(V1Pod pod, string name) =>
        pod.Spec.InitContainers?.Any(c => c.Name == name && c.RestartPolicy == "Always") == true;

    private static bool InitFailed(PodFacts facts, string policy) =>
        policy == "Never" && facts.Init.Any(c => !IsSidecar(facts.Pod, c.Name) && c.State?.Terminated is { ExitCode: not 0 });

    private static bool IsInitialized(PodFacts facts) => facts.Init.All(c => IsComplete(facts.Pod, c));

    private static bool IsComplete(V1Pod pod, V1ContainerStatus status) =>
        IsSidecar(pod, status.Name)
            ? status.Started == true || status.State?.Terminated is not null || status.LastState?.Terminated is not null
            : status.State?.Terminated is { ExitCode: 0 };

    // A container that waits for its restart counts as what it ended as.
    private static V1ContainerStateTerminated? Ended(V1ContainerStatus status) =>
        status.State?.Terminated ?? (status.State?.Waiting is not null ? status.LastState?.Terminated : null);

    private static List<V1PodCondition> Conditions(PodFacts facts, string phase)
    {
        var done = phase is "Succeeded";
        var incomplete = facts.Init.Where(c => !IsComplete(facts.Pod, c)).Select(c => c.Name).ToList();
        var sidecars = facts.Init.Where(c => IsSidecar(facts.Pod, c.Name));
        var unready = facts.App.Concat(sidecars).Where(c => !c.Ready).Select(c => c.Name).ToList();
        var initialized = done ? Condition(facts, "Initialized", true, "PodCompleted", null)
            : incomplete.Count > 0
                ? Condition(
                    facts, "Initialized", false, "ContainersNotInitialized",
                    $"containers with incomplete status: [{string.Join(' ', incomplete)}]")
                : Condition(facts, "Initialized", true, null, null);
        var (reason, message) = done ? ("PodCompleted", null)
            : phase == "Failed" ? ("PodFailed", null)
            : unready.Count > 0 ? ("ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]")
            : ((string?)null, (string?)null);
        var containersReady = Condition(facts, "ContainersReady", reason is null, reason, message);
        var gates = facts.Pod.Spec.ReadinessGates?
            .Where(g => facts.Before.FirstOrDefault(c => c.Type == g.ConditionType)?.Status != "True").ToList();
        var ready = reason is null && gates is { Count: > 0 }
            ? Condition(facts, "Ready", false, "ReadinessGatesNotReady", string.Join(", ", gates.Select(GateText)))
            : Condition(facts, "Ready", reason is null, reason, message);
        var sandbox = facts.PodIp is not null && !facts.Stopped && phase is "Pending" or "Running";
        return
        [
            .. facts.Before.Where(c => !Ours.Contains(c.Type)),
            .. facts.Failure is { Reason: "Evicted" } eviction
                ? [Condition(facts, "DisruptionTarget", true, "TerminationByKubelet", eviction.Message)] : Array.Empty<V1PodCondition>(),
            Condition(facts, "PodReadyToStartContainers", sandbox, null, null),
            initialized,
            ready,
            containersReady,
            Condition(facts, "PodScheduled", true, null, null),
        ];
    }

    private static string GateText(V1PodReadinessGate gate) =>
        $"corresponding condition of pod readiness gate \"{gate.ConditionType}\" does not exist.";

    private static V1PodCondition Condition(PodFacts facts, string type, bool holds, string? reason, string? message)
    {
        var status = holds ? "True" : "False";
        var before = facts.Before.FirstOrDefault(c => c.Type == type);
        return new V1PodCondition
        {
            Type = type,
            Status = status,
            Reason = reason,
            Message = message,
            ObservedGeneration = facts.Pod.Metadata.Generation,
            LastTransitionTime = before?.Status == status ? before.LastTransitionTime : facts.Now,
        };
    }
}
