namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>Labels, annotations and finalizers of Jobs and their pods.</summary>
internal static class JobLabels
{
    public const string Prefix = "batch.kubernetes.io/";
    public const string CompletionIndex = Prefix + "job-completion-index";

    /// <summary>Holds a pod until its end is counted.</summary>
    public const string Tracking = Prefix + "job-tracking";

    public const string IndexVariable = "JOB_COMPLETION_INDEX";
}
