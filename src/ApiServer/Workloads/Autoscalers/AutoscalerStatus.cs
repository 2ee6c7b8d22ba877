using k8s.Models;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>The status of an autoscaler as one look changes it.</summary>
internal sealed class AutoscalerStatus(V2HorizontalPodAutoscaler autoscaler, DateTime now)
{
    private readonly List<V2HorizontalPodAutoscalerCondition> _conditions = [.. autoscaler.Status?.Conditions ?? []];

    public int Current { get; set; } = autoscaler.Status?.CurrentReplicas ?? 0;
    public int Desired { get; set; } = autoscaler.Status?.DesiredReplicas ?? 0;
    public DateTime? LastScale { get; set; } = autoscaler.Status?.LastScaleTime;
    public List<V2MetricStatus> Metrics { get; set; } = [.. autoscaler.Status?.CurrentMetrics ?? []];

    /// <summary>Sets a condition; the time of its transition changes only with its status.</summary>
    public void Set(string type, bool status, string reason, string message)
    {
        var text = status ? "True" : "False";
        var at = _conditions.FindIndex(c => c.Type == type);
        var since = at >= 0 && _conditions[at].Status == text ? _conditions[at].LastTransitionTime : now;
        var condition = new V2HorizontalPodAutoscalerCondition
        {
            Type = type, Status = text, Reason = reason, Message = message, LastTransitionTime = since,
        };
        if (at < 0)
        {
            _conditions.Add(condition);
        }
        else
        {
            _conditions[at] = condition;
        }
    }

    public V2HorizontalPodAutoscalerStatus Build() => new()
    {
        CurrentReplicas = Current,
        DesiredReplicas = Desired,
        LastScaleTime = LastScale,
        CurrentMetrics = Metrics.Count == 0 ? null : Metrics,
        Conditions = _conditions,
        ObservedGeneration = autoscaler.Metadata.Generation ?? autoscaler.Status?.ObservedGeneration,
    };
}
