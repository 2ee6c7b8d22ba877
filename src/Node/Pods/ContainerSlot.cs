using k8s.Models;
using Knet.Node.Runtime;

namespace Knet.Node.Pods;

internal enum ContainerKind
{
    /// <summary>Runs to its end before the next.</summary>
    Init,

    /// <summary>An init container that goes on running (restartPolicy Always).</summary>
    Sidecar,

    App,

    /// <summary>A queue-proxy: reported, but done by the daemon.</summary>
    Virtual,
}

/// <summary>A container of a pod over all its runs: what kubelet calls its status.</summary>
/// <remarks>Changed only under the lock of its <see cref="PodContext"/>; the state objects themselves are never changed.</remarks>
internal sealed class ContainerSlot(V1Container container, ContainerKind kind)
{
    public V1Container Container { get; } = container;
    public ContainerKind Kind { get; } = kind;
    public string Name => Container.Name;

    public V1ContainerState State { get; set; } = Waiting("ContainerCreating", null);
    public V1ContainerState? Last { get; set; }
    public int Restarts { get; set; }
    public bool Started { get; set; }
    public bool Ready { get; set; }
    public string Image { get; set; } = container.Image;
    public string ImageId { get; set; } = "";

    /// <summary>The present or last run.</summary>
    public ContainerRun? Run { get; set; }

    /// <summary>A run found at the daemon's start, to be followed instead of a new one.</summary>
    public ContainerRun? Adopted { get; set; }

    public bool IsRunning => State.Running is not null;

    public static V1ContainerState Waiting(string reason, string? message) =>
        new() { Waiting = new V1ContainerStateWaiting { Reason = reason, Message = message } };

    public V1ContainerStatus Status(string runtime) => new()
    {
        Name = Name,
        State = State,
        LastState = Last ?? new V1ContainerState(),
        Ready = Ready,
        Started = Started,
        RestartCount = Restarts,
        Image = Image,
        ImageID = ImageId,
        ContainerID = Run is null ? "" : $"{runtime}://{Run.Id}",
    };
}

/// <summary>One run of a container. Written into its bundle, so that the next daemon finds it.</summary>
internal sealed record ContainerRun
{
    public required string Id { get; init; }
    public required string PodUid { get; init; }
    public required string Name { get; init; }
    public required int Restarts { get; init; }
    public required string LogPath { get; init; }

    /// <summary>The host's file behind terminationMessagePath.</summary>
    public required string MessagePath { get; init; }

    public required string CgroupsPath { get; init; }
    public required string Image { get; init; }
    public required string ImageId { get; init; }
    public string StopSignal { get; init; } = "SIGTERM";
    public ContainerProcess? Process { get; init; }
    public DateTime StartedAt { get; init; }

    /// <summary>The resolved specification, for exec.</summary>
    public ContainerSpec? Spec { get; init; }
}
