using k8s.Models;
using Knet.Node.Pods;
using Knet.Node.Runtime;
using Xunit;

namespace Knet.Tests.Unit.Node.Pods;

public sealed class PodStatusTests
{
    private static readonly DateTime Now = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Theory]
    [InlineData("Always", "r r", "Running")]
    [InlineData("Always", "w r", "Pending")]
    [InlineData("Always", "0 0", "Running")]
    [InlineData("Always", "b r", "Running")] // waits for its restart: it has run
    [InlineData("OnFailure", "0 0", "Succeeded")]
    [InlineData("OnFailure", "0 b", "Running")]
    [InlineData("Never", "0 1", "Failed")]
    [InlineData("Never", "0 r", "Running")]
    [InlineData("Never", "0 0", "Succeeded")]
    public void Phase_FollowsTheContainers(string policy, string states, string phase) => Assert.Equal(phase, PodStatus.Phase(Facts(policy, states)));

    [Fact]
    public void FailedInitContainer_FailsAPodThatIsNeverRestarted()
    {
        var facts = Facts("Never", "w") with { Init = [Status("init", "1")] };
        Assert.Equal("Failed", PodStatus.Phase(facts));
        Assert.Equal("Pending", PodStatus.Phase(facts with { Pod = Pod("Always") }));
    }

    [Fact]
    public void StoppedPod_HasAFinalPhase()
    {
        Assert.Equal("Succeeded", PodStatus.Phase(Facts("Always", "0 0") with { Stopped = true }));
        Assert.Equal("Failed", PodStatus.Phase(Facts("Always", "0 1") with { Stopped = true }));
    }

    [Fact]
    public void RefusedPod_SaysWhyAndNothingOfItsContainers()
    {
        var status = PodStatus.Of(Facts("Always", "w") with { Failure = ("SysctlForbidden", "why"), Refused = true });
        Assert.Equal(("Failed", "SysctlForbidden", "why"), (status.Phase, status.Reason, status.Message));
        Assert.Null(status.ContainerStatuses);
        PodNamespaces.Remove("/nowhere/that/a/pod/was"); // it has no directory: its end must not fail
    }

    [Fact]
    public void Conditions_NameWhatIsMissing()
    {
        var status = PodStatus.Of(Facts("Always", "r w") with { PodIp = "10.0.0.2" });
        var ready = status.Conditions.Single(c => c.Type == "Ready");
        Assert.Equal(("False", "ContainersNotReady", "containers with unready status: [c1]"), (ready.Status, ready.Reason, ready.Message));
        Assert.Equal("True", status.Conditions.Single(c => c.Type == "PodReadyToStartContainers").Status);
        Assert.Equal("10.0.0.2", status.PodIPs.Single().Ip);
    }

    [Fact]
    public void TransitionTimes_ChangeWithTheStatusOnly()
    {
        var before = PodStatus.Of(Facts("Always", "w")).Conditions;
        var later = Facts("Always", "r") with { Before = before, Now = Now.AddSeconds(9) };
        var after = PodStatus.Of(later).Conditions.ToDictionary(c => c.Type, c => c.LastTransitionTime);
        Assert.Equal(Now.AddSeconds(9), after["Ready"]);
        Assert.Equal(Now, after["PodScheduled"]);
    }

    [Fact]
    public void ForeignConditionsAndGates_AreKept()
    {
        var facts = Facts("Always", "r") with
        {
            Pod = APod.With("""{"containers":[],"readinessGates":[{"conditionType":"x/y"}]}"""),
            Before = [new V1PodCondition { Type = "x/y", Status = "False" }],
        };
        Assert.Equal("ReadinessGatesNotReady", PodStatus.Of(facts).Conditions.Single(c => c.Type == "Ready").Reason);
        var open = PodStatus.Of(facts with { Before = [new V1PodCondition { Type = "x/y", Status = "True" }] });
        Assert.Equal("True", open.Conditions.Single(c => c.Type == "Ready").Status);
        Assert.Contains(open.Conditions, c => c.Type == "x/y");
    }

    [Fact]
    public void Sidecars_CountAsInitialisedOnceStarted()
    {
        var pod = APod.With("""{"containers":[],"initContainers":[{"name":"s","image":"i","restartPolicy":"Always"}]}""");
        var side = Status("s", "r");
        var facts = Facts("Always", "r") with { Pod = pod, Init = [side] };
        Assert.Equal("True", PodStatus.Of(facts).Conditions.Single(c => c.Type == "Initialized").Status);
        side.Started = false;
        Assert.Equal("ContainersNotInitialized", PodStatus.Of(facts).Conditions.Single(c => c.Type == "Initialized").Reason);
    }

    [Fact]
    public void Sidecars_KeepACompletedPodRunningUntilTheyEnd()
    {
        var pod = APod.With("""{"restartPolicy":"Never","containers":[],"initContainers":[{"name":"s","image":"i","restartPolicy":"Always"}]}""");
        var facts = Facts("Never", "0") with { Pod = pod, Init = [Status("s", "r")] };
        Assert.Equal("Running", PodStatus.Phase(facts));
        Assert.Equal("Succeeded", PodStatus.Phase(facts with { Init = [Status("s", "0")] }));
        Assert.Equal("Failed", PodStatus.Phase(Facts("Never", "1") with { Pod = pod, Init = [Status("s", "0")] }));
    }

    [Theory]
    [InlineData("{}", "BestEffort")]
    [InlineData("""{"requests":{"cpu":"1"}}""", "Burstable")]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi"}}""", "Guaranteed")]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}}""", "Burstable")]
    public void QosClass_FollowsRequestsAndLimits(string resources, string expected) =>
        Assert.Equal(expected, PodStatus.Qos(APod.WithContainer($$"""{"name":"c","image":"i","resources":{{resources}}}""").Spec));

    private static V1Pod Pod(string policy) => APod.With($$"""{"restartPolicy":"{{policy}}","containers":[]}""");

    private static PodFacts Facts(string policy, string states) => new()
    {
        Pod = Pod(policy), Init = [], App = [.. states.Split(' ').Select((s, i) => Status($"c{i}", s))],
        HostIp = "10.0.0.1", StartTime = Now, Now = Now,
    };

    /// <summary>r runs, w waits, b waits for its restart after exit code 1; a number has ended with it.</summary>
    private static V1ContainerStatus Status(string name, string state) => new()
    {
        Name = name,
        Ready = state == "r",
        Started = state == "r",
        State = state switch
        {
            "r" => new V1ContainerState { Running = new V1ContainerStateRunning() },
            "w" or "b" => ContainerSlot.Waiting("x", null),
            _ => new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = int.Parse(state) } },
        },
        LastState = state == "b" ? new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = 1 } } : new V1ContainerState(),
    };
}
