using k8s.Models;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>A Job's conditions with Kubernetes' reasons and messages.</summary>
internal static class JobConditions
{
    public const string SuccessCriteriaMet = "SuccessCriteriaMet";
    public const string FailureTarget = "FailureTarget";
    public const string Complete = "Complete";
    public const string Failed = "Failed";
    public const string Suspended = "Suspended";

    public static bool IsFinished(V1Job job) => Find(job, Complete) is { Status: "True" } || Find(job, Failed) is { Status: "True" };

    public static V1JobCondition? Find(V1Job job, string type) => job.Status?.Conditions?.FirstOrDefault(c => c.Type == type);

    /// <summary>The conditions with one added or replaced; one that says the same keeps its times.</summary>
    public static List<V1JobCondition> With(
        IEnumerable<V1JobCondition> conditions, string type, bool status, string reason, string message, DateTime now)
    {
        var result = conditions.ToList();
        var text = status ? "True" : "False";
        var at = result.FindIndex(c => c.Type == type);
        if (at >= 0 && result[at].Status == text && result[at].Reason == reason && result[at].Message == message)
        {
            return result;
        }

        var condition = new V1JobCondition
        {
            Type = type, Status = text, Reason = reason, Message = message, LastProbeTime = now, LastTransitionTime = now,
        };
        if (at < 0)
        {
            result.Add(condition);
        }
        else
        {
            result[at] = result[at].Status == text ? condition with { LastTransitionTime = result[at].LastTransitionTime } : condition;
        }

        return result;
    }
}
