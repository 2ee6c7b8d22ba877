using System.Text;
using k8s.Models;
using Knet.ApiServer.Workloads.Jobs;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>Jobs: what a look at their pods makes of them.</summary>
public sealed class JobTests
{
    private const string Tracking = "batch.kubernetes.io/job-tracking";
    private static readonly DateTime Noon = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void New_MakesAsManyPodsAsMayRun_EachHeldUntilItIsCounted()
    {
        var plan = Look(Job(parallelism: 3, completions: 2));
        var pods = plan.Steps.OfType<CreateStep>().Select(s => new KubeDocument(s.Body).As<V1Pod>()).ToList();
        Assert.Equal(2, pods.Count);
        Assert.All(pods, p => Assert.Equal(Tracking, Assert.Single(p.Metadata.Finalizers)));
        Assert.Equal((2, Noon), (plan.Status!.Active, plan.Status.StartTime));
        Assert.Equal($"Created pod: {pods[0].Metadata.Name}", plan.Events[0].Message);
    }

    [Fact]
    public void EndedPod_IsCountedInThreeSteps_AndOnce()
    {
        // 1: its uid is noted, it stays held.
        var job = Job(completions: 2) with { Status = new V1JobStatus { StartTime = Noon } };
        var ended = Pod(job, "a", "Succeeded");
        var plan = Look(job, ended);
        Assert.Equal(["uid-a"], plan.Status!.UncountedTerminatedPods.Succeeded);
        Assert.Null(plan.Status.Succeeded);
        Assert.Empty(plan.Steps.OfType<PatchStep>());

        // 2: it is released, then counted; not when releasing failed.
        job = job with { Status = plan.Status };
        plan = Look(job, ended, Pod(job, "b", "Running"));
        Assert.Equal("a", Assert.Single(plan.Steps.OfType<PatchStep>()).Key.Name);
        Assert.Equal((1, null), (plan.Status!.Succeeded, plan.Status.UncountedTerminatedPods.Succeeded));
        var failed = plan.OnFailure!(plan.Steps[0], KubeException.Of(500, "InternalError", "no"));
        Assert.Null(failed.Succeeded);
        Assert.Equal(["uid-a"], failed.UncountedTerminatedPods.Succeeded);

        // 3: the status was lost after the release: what is noted and not held counts.
        var released = ended with { Metadata = ended.Metadata with { Finalizers = null } };
        Assert.Equal(1, Look(job, released, Pod(job, "b", "Running")).Status!.Succeeded);
        Assert.Equal(1, Look(job, Pod(job, "b", "Running")).Status!.Succeeded);

        // It is never counted again.
        job = job with { Status = plan.Status };
        Assert.Equal(1, Look(job, released, Pod(job, "b", "Running")).Status!.Succeeded);
    }

    [Fact]
    public void Failure_WaitsLongerEachTime_AndEndsTheJobBeyondItsLimit()
    {
        var job = Job() with { Status = new V1JobStatus { StartTime = Noon, Failed = 1 } };
        job.Spec.BackoffLimit = 1;
        var plan = Look(job, Pod(job, "a", "Failed", held: false, finished: Noon.AddSeconds(-4)));
        Assert.Empty(plan.Steps);
        Assert.Equal(TimeSpan.FromSeconds(6), plan.RequeueAfter);
        Assert.Single(Look(job, Pod(job, "a", "Failed", held: false, finished: Noon.AddSeconds(-10))).Steps.OfType<CreateStep>());

        // One too many: the other pod goes, and the Job has failed when that has ended and everything is counted.
        plan = Look(job, Pod(job, "b", "Failed"), Pod(job, "c", "Running"));
        Assert.Equal("c", Assert.Single(plan.Steps.OfType<DeleteStep>()).Key.Name);
        Assert.Equal(("FailureTarget", "BackoffLimitExceeded"), Last(plan));
        job = job with { Status = plan.Status };
        plan = Look(job, Pod(job, "b", "Failed"));
        Assert.Equal(("Failed", "BackoffLimitExceeded"), Last(plan));
        Assert.Equal("Job has reached the specified backoff limit", plan.Status!.Conditions[^1].Message);
        Assert.Equal(new PlanEvent("Warning", "BackoffLimitExceeded", "Job has reached the specified backoff limit"), plan.Events[^1]);
        Assert.Equal(2, plan.Status.Failed);
    }

    [Fact]
    public void Enough_CompletesTheJob_AndItsTimeToLiveRemovesIt()
    {
        var job = Job() with { Status = new V1JobStatus { StartTime = Noon, UncountedTerminatedPods = new() { Succeeded = ["uid-a"] } } };
        var plan = Look(job, Pod(job, "a", "Succeeded"));
        Assert.Equal(["SuccessCriteriaMet", "Complete"], plan.Status!.Conditions.Select(c => c.Type));
        Assert.Equal((1, Noon, null), (plan.Status.Succeeded, plan.Status.CompletionTime, plan.Status.Active));

        job = job with { Status = plan.Status };
        job.Spec.TtlSecondsAfterFinished = 30;
        Assert.Equal(TimeSpan.FromSeconds(30), Look(job).RequeueAfter);
        var view = new FakeView(job) { Now = new(Noon.AddSeconds(30)) };
        Assert.Equal("Job", Assert.IsType<DeleteStep>(Assert.Single(new JobReconciler().Reconcile(job, view).Steps)).Type.Kind);
    }

    [Fact]
    public void Deadline_Ends_AndSuspensionStopsTheClock()
    {
        var job = Job() with { Status = new V1JobStatus { StartTime = Noon.AddSeconds(-50) } };
        job.Spec.ActiveDeadlineSeconds = 60;
        Assert.Equal(TimeSpan.FromSeconds(10), Look(job, Pod(job, "a", "Running")).RequeueAfter);
        job.Spec.ActiveDeadlineSeconds = 50;
        Assert.Equal(("FailureTarget", "DeadlineExceeded"), Last(Look(job, Pod(job, "a", "Running"))));

        job.Spec.Suspend = true;
        var plan = Look(job, Pod(job, "a", "Running"));
        Assert.Equal(("Suspended", "JobSuspended"), Last(plan));
        Assert.Null(plan.Status!.StartTime);

        // Released before it is deleted: a suspended pod is no failed one.
        Assert.Equal([typeof(PatchStep), typeof(DeleteStep)], plan.Steps.Select(s => s.GetType()));
        job = job with { Status = plan.Status };
        job.Spec.Suspend = false;
        plan = Look(job);
        Assert.Equal((Noon, "JobResumed"), (plan.Status!.StartTime, plan.Status.Conditions[^1].Reason));
        Assert.Single(plan.Steps.OfType<CreateStep>());
    }

    [Fact]
    public void IndexedJob_WorksOnEachIndexOnce()
    {
        var job = Job(parallelism: 3, completions: 4) with { Status = new V1JobStatus { StartTime = Noon, CompletedIndexes = "1", Succeeded = 1 } };
        job.Spec.CompletionMode = "Indexed";
        var plan = Look(job, Pod(job, "a", "Succeeded", index: 3), Pod(job, "b", "Running", index: 0));
        var made = new KubeDocument(Assert.Single(plan.Steps.OfType<CreateStep>()).Body).As<V1Pod>();
        Assert.Equal("2", made.Metadata.Annotations["batch.kubernetes.io/job-completion-index"]);
        Assert.Equal("j-2", made.Spec.Hostname);
        Assert.Equal("JOB_COMPLETION_INDEX", made.Spec.Containers[0].Env[^1].Name);
        Assert.Equal(("1,3", 2), (plan.Status!.CompletedIndexes, plan.Status.Succeeded));
    }

    [Theory]
    [InlineData(42, "FailJob", "FailureTarget")]
    [InlineData(7, "Ignore", null)]
    public void FailurePolicy_DecidesByExitCode(int exitCode, string action, string? outcome)
    {
        var job = Job() with { Status = new V1JobStatus { StartTime = Noon.AddHours(-1) } };
        job.Spec.PodFailurePolicy = new V1PodFailurePolicy
        {
            Rules = [new() { Action = action, OnExitCodes = new() { OperatorProperty = "In", Values = [exitCode] } }],
        };
        var pod = Pod(job, "a", "Failed", finished: Noon.AddHours(-1));
        pod.Status.ContainerStatuses[0].State.Terminated.ExitCode = exitCode;
        var plan = Look(job, pod);
        Assert.Equal(outcome, plan.Status!.Conditions?[^1].Type);
        if (outcome is not null)
        {
            Assert.Equal(
                "Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0", plan.Status.Conditions![^1].Message);
        }
        else
        {
            Assert.Null(plan.Status.UncountedTerminatedPods.Failed);
            Assert.Single(plan.Steps.OfType<PatchStep>());
        }
    }

    [Theory]
    [InlineData("0,2-4,9", 8, "0,2-4")]
    [InlineData("1-2,x,5", 8, "1,2,5")]
    [InlineData("", 8, null)]
    public void Indexes_ReadAndWrite(string text, int completions, string? written) =>
        Assert.Equal(written, JobIndexes.Format(JobIndexes.Parse(text, completions)));

    [Fact]
    public async Task Job_RunsToItsEnd_OverTheApi()
    {
        await using var cluster = await WorkloadCluster.StartAsync();
        var job = Job(parallelism: 2, completions: 3);
        job.Metadata = new V1ObjectMeta { Name = "j", NamespaceProperty = "default" };
        job.Spec.Selector = null;
        job.Spec.Template.Metadata = null;
        var stored = await cluster.Client.CreateAsync(job, CancellationToken.None);
        Assert.Equal(stored.Metadata.Uid, stored.Spec.Selector.MatchLabels["batch.kubernetes.io/controller-uid"]);
        var most = 0;
        await WorkloadCluster.UntilAsync(
            async () =>
            {
                var pods = cluster.Pods.List("default");
                most = Math.Max(most, pods.Count(p => p.Status?.Phase != "Succeeded"));
                foreach (var pod in pods.Where(p => p.Spec.NodeName is not null && p.Status?.Phase != "Succeeded"))
                {
                    await cluster.Client.PatchAsync<V1Pod>(
                        "default", pod.Metadata.Name, PatchKind.Merge, Encoding.UTF8.GetBytes("""{"status":{"phase":"Succeeded"}}"""),
                        CancellationToken.None, "status");
                }

                return (await cluster.Client.GetAsync<V1Job>("default", "j", CancellationToken.None)).Status?.CompletionTime is not null;
            },
            "the job completes");
        var status = (await cluster.Client.GetAsync<V1Job>("default", "j", CancellationToken.None)).Status;
        Assert.Equal((3, null, null), (status.Succeeded, status.Failed, status.Active));
        var all = await cluster.Client.ListAsync<V1Pod>("default", CancellationToken.None);
        Assert.Equal(3, all.Count);
        Assert.All(all, p => Assert.Empty(p.Metadata.Finalizers ?? []));
        Assert.InRange(most, 1, 2);

        // Going, it takes its pods along.
        await cluster.Client.DeleteAsync<V1Job>("default", "j", CancellationToken.None);
        await WorkloadCluster.Until(() => cluster.Pods.List("default").Count == 0, "its pods are gone");
    }

    private static Plan<V1JobStatus> Look(V1Job job, params V1Pod[] pods) => new JobReconciler().Reconcile(job, new FakeView([job, .. pods]));

    private static (string, string) Last(Plan<V1JobStatus> plan) => (plan.Status!.Conditions[^1].Type, plan.Status.Conditions[^1].Reason);

    private static V1Job Job(int? parallelism = 1, int? completions = 1) => new()
    {
        ApiVersion = "batch/v1",
        Kind = "Job",
        Metadata = new V1ObjectMeta { Name = "j", NamespaceProperty = "default", Uid = "uid-j" },
        Spec = new V1JobSpec
        {
            Parallelism = parallelism,
            Completions = completions,
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["job"] = "j" } },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["job"] = "j" } },
                Spec = new V1PodSpec { RestartPolicy = "Never", Containers = [new V1Container { Name = "c", Image = "i" }] },
            },
        },
    };

    private static V1Pod Pod(V1Job job, string name, string phase, bool held = true, int? index = null, DateTime? finished = null) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = "default",
            Uid = "uid-" + name,
            Labels = new Dictionary<string, string> { ["job"] = "j" },
            Annotations = index is null ? null : new Dictionary<string, string> { ["batch.kubernetes.io/job-completion-index"] = $"{index}" },
            Finalizers = held ? [Tracking] : null,
            OwnerReferences = [new V1OwnerReference { Uid = job.Metadata.Uid, Controller = true, Kind = "Job", Name = "j" }],
        },
        Status = new V1PodStatus
        {
            Phase = phase,
            ContainerStatuses = phase == "Running" ? null :
            [
                new V1ContainerStatus
                {
                    Name = "c",
                    State = new V1ContainerState
                    {
                        Terminated = new V1ContainerStateTerminated { ExitCode = phase == "Failed" ? 1 : 0, FinishedAt = finished ?? Noon },
                    },
                },
            ],
        },
    };
}
