using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>
/// A Job's pods, sorted by what they count as. A pod's end is counted once, in three steps, each of which may be cut off by a crash: its uid
/// goes into <c>status.uncountedTerminatedPods</c>; then its finalizer goes; then the uid becomes part of the number.
/// </summary>
/// <remarks>Indexed Jobs keep their successes as indexes, which cannot be counted twice; their failures go the same way.</remarks>
internal sealed class JobTally
{
    private readonly V1Job _job;
    private readonly List<string> _keptSucceeded = [];
    private readonly List<string> _keptFailed = [];

    public JobTally(V1Job job, IReadOnlyList<V1Pod> pods)
    {
        _job = job;
        IsIndexed = job.Spec.CompletionMode == "Indexed";
        Completed = JobIndexes.Parse(IsIndexed ? job.Status?.CompletedIndexes : null, job.Spec.Completions ?? 0);
        KnownIndexes = [.. Completed];
        foreach (var pod in pods)
        {
            Sort(pod);
        }

        Settle(pods);
    }

    public bool IsIndexed { get; }

    /// <summary>Pods that run, or will.</summary>
    public List<V1Pod> Active { get; } = [];

    /// <summary>Pods on their way out that have not ended.</summary>
    public int Terminating { get; private set; }

    public int Ready { get; private set; }

    /// <summary>Ended pods whose finalizer may go now: their uid or index is in the status that is stored, or they do not count.</summary>
    public List<V1Pod> Releasable { get; } = [];

    /// <summary>Successes and failures, with those that are not part of the numbers in the status yet.</summary>
    public int Succeeded => IsIndexed ? Completed.Count : (_job.Status?.Succeeded ?? 0) + Counted.Succeeded + _keptSucceeded.Count;

    public int Failed => (_job.Status?.Failed ?? 0) + Counted.Failed + _keptFailed.Count;

    /// <summary>What moves from the uids to the numbers, once the releasable pods are released.</summary>
    public (int Succeeded, int Failed) Counted { get; private set; }

    /// <summary>Successful indexes, old and new.</summary>
    public SortedSet<int> Completed { get; }

    /// <summary>Whether every end is part of the numbers and no pod is held any more.</summary>
    public bool IsSettled => _keptSucceeded.Count == 0 && _keptFailed.Count == 0 && Completed.Count == KnownIndexes.Count;

    /// <summary>Ends the Job whatever else is so: a rule of the podFailurePolicy said it.</summary>
    public string? FatalFailure { get; private set; }

    /// <summary>Failures after the last success, and when the newest of them was: what the back-off of new pods goes by.</summary>
    public (int Count, DateTime Last) RecentFailures(IReadOnlyList<V1Pod> pods)
    {
        var success = pods.Where(p => p.Status?.Phase == "Succeeded").Select(FinishedAt).DefaultIfEmpty(DateTime.MinValue).Max();
        var failures = pods.Where(p => p.Status?.Phase == "Failed").Select(FinishedAt).Where(t => t > success).ToList();
        return (failures.Count, failures.DefaultIfEmpty(DateTime.MinValue).Max());
    }

    /// <summary>The uids that wait to be counted.</summary>
    public V1UncountedTerminatedPods Uncounted => new()
    {
        Succeeded = _keptSucceeded.Count == 0 ? null : _keptSucceeded,
        Failed = _keptFailed.Count == 0 ? null : _keptFailed,
    };

    private SortedSet<int> KnownIndexes { get; }

    private static bool IsHeld(V1Pod pod) => pod.Metadata.Finalizers?.Contains(JobLabels.Tracking) == true;

    private static DateTime FinishedAt(V1Pod pod)
    {
        var ends = (pod.Status?.ContainerStatuses ?? []).Select(c => c.State?.Terminated?.FinishedAt).OfType<DateTime>().ToList();
        return ends.Count > 0 ? ends.Max()
            : PodStates.Condition(pod, "Ready")?.LastTransitionTime ?? pod.Metadata.CreationTimestamp ?? DateTime.MinValue;
    }

    private bool CountsAsFailed(V1Pod pod) => pod.Status?.Phase == "Failed"
        || (pod.Metadata.DeletionTimestamp is not null && pod.Status?.Phase != "Succeeded"
            && (_job.Spec.PodReplacementPolicy != "Failed" || pod.Metadata.DeletionGracePeriodSeconds == 0)); // the node's last word

    private void Sort(V1Pod pod)
    {
        if (PodStates.IsActive(pod))
        {
            Active.Add(pod);
            Ready += PodStates.IsReady(pod) ? 1 : 0;
            return;
        }

        Terminating += PodStates.IsTerminal(pod) ? 0 : 1;
        var stored = _job.Status?.UncountedTerminatedPods;
        var uid = pod.Metadata.Uid;
        if (!IsHeld(pod) || stored?.Succeeded?.Contains(uid) == true || stored?.Failed?.Contains(uid) == true)
        {
            return;
        }

        if (pod.Status?.Phase == "Succeeded")
        {
            Succeed(pod);
        }
        else if (CountsAsFailed(pod))
        {
            Fail(pod);
        }
    }

    private void Succeed(V1Pod pod)
    {
        if (!IsIndexed)
        {
            _keptSucceeded.Add(pod.Metadata.Uid);
        }
        else if (JobIndexes.Of(pod) is not { } index || index >= (_job.Spec.Completions ?? 0) || KnownIndexes.Contains(index))
        {
            Releasable.Add(pod);
        }
        else
        {
            Completed.Add(index);
        }
    }

    private void Fail(V1Pod pod)
    {
        switch (PodFailureRules.Judge(_job, pod))
        {
            case { Action: "Ignore" }:
                Releasable.Add(pod);
                break;
            case { Action: "FailJob" } fatal:
                FatalFailure ??= fatal.Message;
                _keptFailed.Add(pod.Metadata.Uid);
                break;
            default:
                _keptFailed.Add(pod.Metadata.Uid);
                break;
        }
    }

    // Uids of the stored status: their pods are released by this plan, or have been.
    private void Settle(IReadOnlyList<V1Pod> pods)
    {
        var stored = _job.Status?.UncountedTerminatedPods;
        var (succeeded, failed) = ((stored?.Succeeded ?? []).ToHashSet(), (stored?.Failed ?? []).ToHashSet());
        Counted = (succeeded.Count, failed.Count);
        Releasable.AddRange(pods.Where(p => IsHeld(p) && (succeeded.Contains(p.Metadata.Uid) || failed.Contains(p.Metadata.Uid))));
    }
}
