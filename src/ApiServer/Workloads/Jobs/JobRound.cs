using System.Collections.Immutable;
using k8s.Models;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>One look at a Job that has not ended: which pods to make, to delete and to let go, and what the status says then.</summary>
internal sealed class JobRound
{
    // Kubernetes' limits: pods made or deleted at once, and the back-off after failed pods.
    private const int Burst = 500;
    private static readonly TimeSpan BackoffFirst = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromMinutes(10);

    private readonly V1Job _job;
    private readonly V1OwnerReference _reference;
    private readonly List<V1Pod> _pods;
    private readonly DateTimeOffset _now;
    private readonly DateTime _second;
    private readonly JobTally _tally;
    private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
    private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
    private List<V1JobCondition> _conditions;
    private DateTime? _startTime;
    private TimeSpan? _lookAgain;

    public JobRound(V1Job job, V1OwnerReference reference, List<V1Pod> pods, DateTimeOffset now)
    {
        (_job, _reference, _pods, _now) = (job, reference, pods, now);
        _second = new DateTime(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), DateTimeKind.Utc);
        _tally = new JobTally(job, pods);
        _conditions = [.. job.Status?.Conditions ?? []];
        _startTime = job.Status?.StartTime;
    }

    private bool IsSuspended => _job.Spec.Suspend == true;

    public Plan<V1JobStatus> Plan(IEnumerable<PlanStep> claims)
    {
        _steps.AddRange(claims);
        _steps.AddRange(_tally.Releasable.Select(JobPods.Release));
        var stay = _tally.Active;
        var made = 0;
        if (!IsSuspended)
        {
            _startTime ??= _second;
        }

        if (Outcome() is { } outcome)
        {
            _conditions = JobConditions.With(_conditions, outcome.Type, true, outcome.Reason, outcome.Message, _second);
            stay = [];
            _steps.AddRange(_tally.Active.Select(p => PlanStep.Delete(p)));
        }
        else
        {
            Suspend();
            (stay, made) = Scale();
        }

        var (ready, leaving) = (stay.Count(PodStates.IsReady), _tally.Terminating + _tally.Active.Count - stay.Count);
        var before = Status(stay.Count, ready, leaving, counted: false);
        var status = Status(stay.Count + made, ready, leaving, counted: true);
        return new(Ended(status, leaving))
        {
            Steps = _steps.ToImmutable(), Events = _events.ToImmutable(), RequeueAfter = _lookAgain, OnFailure = (_, _) => before,
        };
    }

    // What is certain already stays certain; else the first cause that holds.
    private (string Type, string Reason, string Message)? Outcome()
    {
        foreach (var type in (string[])[JobConditions.FailureTarget, JobConditions.SuccessCriteriaMet])
        {
            if (JobConditions.Find(_job, type) is { Status: "True" } known)
            {
                return (type, known.Reason, known.Message);
            }
        }

        if (_tally.FatalFailure is { } fatal)
        {
            return (JobConditions.FailureTarget, "PodFailurePolicy", fatal);
        }

        if (_tally.Failed > (_job.Spec.BackoffLimit ?? 6) || RestartedTooOften())
        {
            return (JobConditions.FailureTarget, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }

        if (IsPastDeadline())
        {
            return (JobConditions.FailureTarget, "DeadlineExceeded", "Job was active longer than specified deadline");
        }

        var enough = _job.Spec.Completions is { } wanted ? _tally.Succeeded >= wanted : _tally.Succeeded > 0 && _tally.Active.Count == 0;
        return enough && !IsSuspended
            ? (JobConditions.SuccessCriteriaMet, "CompletionsReached", "Reached expected number of succeeded pods")
            : null;
    }

    private bool RestartedTooOften()
    {
        if (_job.Spec.Template.Spec.RestartPolicy != "OnFailure")
        {
            return false;
        }

        var restarts = _tally.Active.Where(p => p.Status?.Phase is "Running" or "Pending")
            .Sum(p => (p.Status.ContainerStatuses ?? []).Concat(p.Status.InitContainerStatuses ?? []).Sum(c => c.RestartCount));
        return restarts > 0 && restarts >= (_job.Spec.BackoffLimit ?? 6);
    }

    private bool IsPastDeadline()
    {
        if (_job.Spec.ActiveDeadlineSeconds is not { } seconds || IsSuspended || _startTime is not { } start)
        {
            return false;
        }

        var left = start.AddSeconds(seconds) - _now.UtcDateTime;
        if (left > TimeSpan.Zero)
        {
            LookAgain(left);
        }

        return left <= TimeSpan.Zero;
    }

    private void Suspend()
    {
        var known = JobConditions.Find(_job, JobConditions.Suspended);
        if (IsSuspended)
        {
            _startTime = null;
            if (known is not { Status: "True" })
            {
                _conditions = JobConditions.With(_conditions, JobConditions.Suspended, true, "JobSuspended", "Job suspended", _second);
                _events.Add(new PlanEvent("Normal", "Suspended", "Job suspended"));
            }
        }
        else if (known is { Status: "True" })
        {
            _conditions = JobConditions.With(_conditions, JobConditions.Suspended, false, "JobResumed", "Job resumed", _second);
            _startTime = _second;
            _events.Add(new PlanEvent("Normal", "Resumed", "Job resumed"));
        }
    }

    /// <summary>Makes what is missing and deletes what is too much; the active pods that stay, and how many were made.</summary>
    private (List<V1Pod> Stay, int Made) Scale()
    {
        var active = _tally.Active;
        var wanted = IsSuspended ? 0 : Wanted(active.Count);
        var surplus = Surplus(active, wanted);
        foreach (var pod in surplus)
        {
            // Released first: a pod that is not wanted any more has not failed.
            _steps.Add(JobPods.Release(pod));
            _steps.Add(PlanStep.Delete(pod));
            _events.Add(new PlanEvent("Normal", "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}"));
        }

        var stay = active.Except(surplus).ToList();
        var missing = Math.Min(Burst, wanted - stay.Count - (_job.Spec.PodReplacementPolicy == "Failed" ? _tally.Terminating : 0));
        return (stay, missing > 0 && !IsBackingOff() ? Make(missing, stay) : 0);
    }

    private int Make(int count, List<V1Pod> stay)
    {
        var free = _tally.IsIndexed ? FreeIndexes(stay).Take(count).ToList() : null;
        count = free?.Count ?? count;
        for (var i = 0; i < count; i++)
        {
            var suffix = SafeNames.Suffix($"{_job.Metadata.Uid}/{_now.UtcTicks}/{i}", 5);
            var pod = JobPods.New(_job, _reference, free?[i], suffix);
            _steps.Add(PlanStep.Create(pod));
            _events.Add(new PlanEvent("Normal", "SuccessfulCreate", $"Created pod: {pod.Metadata.Name}"));
        }

        return count;
    }

    private int Wanted(int active)
    {
        var parallel = _job.Spec.Parallelism ?? 1;
        if (_job.Spec.Completions is not { } completions)
        {
            // A work queue: once a pod has succeeded no new ones begin, the others end by themselves.
            return _tally.Succeeded > 0 ? Math.Min(active, parallel) : parallel;
        }

        return Math.Max(0, Math.Min(completions - _tally.Succeeded, parallel));
    }

    private List<V1Pod> Surplus(List<V1Pod> active, int wanted)
    {
        if (!_tally.IsIndexed)
        {
            return [.. JobOrder(active).Take(Math.Max(0, active.Count - wanted))];
        }

        // Twice the same index, an index that is done, and one that does not exist are not wanted either.
        var kept = new HashSet<int>();
        var needless = active.Where(p => JobIndexes.Of(p) is not { } index || index >= (_job.Spec.Completions ?? 0)
            || _tally.Completed.Contains(index) || !kept.Add(index)).ToList();
        var rest = active.Except(needless).ToList();
        return [.. needless, .. JobOrder(rest).Take(Math.Max(0, rest.Count - wanted))];
    }

    private static IEnumerable<V1Pod> JobOrder(List<V1Pod> pods) => ReplicaSets.DeletionOrder.Sort(pods);

    private IEnumerable<int> FreeIndexes(List<V1Pod> stay)
    {
        var taken = stay.Select(JobIndexes.Of).OfType<int>().ToHashSet();
        return Enumerable.Range(0, _job.Spec.Completions ?? 0).Where(i => !taken.Contains(i) && !_tally.Completed.Contains(i));
    }

    private bool IsBackingOff()
    {
        var (failures, last) = _tally.RecentFailures(_pods);
        if (failures == 0)
        {
            return false;
        }

        var wait = TimeSpan.FromTicks(Math.Min(BackoffMax.Ticks, BackoffFirst.Ticks << Math.Min(failures - 1, 10)));
        var left = last + wait - _now.UtcDateTime;
        if (left > TimeSpan.Zero)
        {
            LookAgain(left);
        }

        return left > TimeSpan.Zero;
    }

    private void LookAgain(TimeSpan after) => _lookAgain = _lookAgain < after ? _lookAgain : after;

    private V1JobStatus Status(int active, int ready, int terminating, bool counted)
    {
        var old = _job.Status;
        var (succeeded, failed) = ((old?.Succeeded ?? 0) + (counted ? _tally.Counted.Succeeded : 0),
            (old?.Failed ?? 0) + (counted ? _tally.Counted.Failed : 0));
        succeeded = _tally.IsIndexed ? _tally.Completed.Count : succeeded;
        return new V1JobStatus
        {
            Active = active == 0 ? null : active,
            Ready = ready,
            Terminating = terminating,
            Succeeded = succeeded == 0 ? null : succeeded,
            Failed = failed == 0 ? null : failed,
            CompletedIndexes = _tally.IsIndexed ? JobIndexes.Format(_tally.Completed) : null,
            StartTime = _startTime,
            CompletionTime = old?.CompletionTime,
            Conditions = _conditions.Count == 0 ? null : _conditions,
            UncountedTerminatedPods = Waiting(counted),
        };
    }

    private V1UncountedTerminatedPods Waiting(bool counted)
    {
        var (waiting, old) = (_tally.Uncounted, _job.Status?.UncountedTerminatedPods);
        return counted || old is null
            ? waiting
            : new V1UncountedTerminatedPods
            {
                Succeeded = [.. old.Succeeded ?? [], .. waiting.Succeeded ?? []], Failed = [.. old.Failed ?? [], .. waiting.Failed ?? []],
            };
    }

    private V1JobStatus Ended(V1JobStatus status, int leaving)
    {
        var target = _conditions.Find(c => c.Status == "True" && c.Type is JobConditions.FailureTarget or JobConditions.SuccessCriteriaMet);
        if (target is not { Status: "True" } || leaving > 0 || !_tally.IsSettled)
        {
            return status;
        }

        var done = target.Type == JobConditions.SuccessCriteriaMet;
        _events.Add(done
            ? new PlanEvent("Normal", "Completed", "Job completed")
            : new PlanEvent("Warning", target.Reason, target.Message));
        return status with
        {
            CompletionTime = done ? _second : null,
            Conditions = JobConditions.With(
                _conditions, done ? JobConditions.Complete : JobConditions.Failed, true, target.Reason, target.Message, _second),
        };
    }
}
