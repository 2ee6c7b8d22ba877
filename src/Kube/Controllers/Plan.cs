using System.Collections.Immutable;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Kube.Controllers;

/// <summary>All a reconcile wants done, as data. Steps run in order until one fails; the status is written last, and always.</summary>
/// <param name="Status">The status wanted; written only when it differs. Null leaves it alone.</param>
public sealed record Plan<TStatus>(TStatus? Status) where TStatus : class
{
    public ImmutableArray<PlanStep> Steps { get; init; } = [];
    public ImmutableArray<PlanEvent> Events { get; init; } = [];

    /// <summary>Look again after this time, even if nothing changed.</summary>
    public TimeSpan? RequeueAfter { get; init; }

    /// <summary>
    /// Called when a step failed, with the error: the status to write instead (for conditions such as NotOwned or
    /// CreationFailed). Null keeps <see cref="Status"/>. Must be pure.
    /// </summary>
    public Func<PlanStep, KubeException, TStatus>? OnFailure { get; init; }
}

/// <summary>One write.</summary>
public abstract record PlanStep(ResourceType Type, ObjectKey Key)
{
    /// <summary>
    /// Server-side apply with force; for children of core kinds. Skipped when the last body was the same and still holds.
    /// </summary>
    public static PlanStep Apply<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        new ApplyStep(ResourceType.Of<T>(), KeyOf(value), KubeJson.Serialize(value));

    /// <summary>Creation; an object that exists already and is ours is no failure.</summary>
    public static PlanStep Create<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        new CreateStep(ResourceType.Of<T>(), KeyOf(value), KubeJson.Serialize(value));

    /// <summary>
    /// Creates the object, or replaces its spec, labels and annotations when these differ; for Knative's own kinds, whose foreign edits
    /// are put back. The status is untouched.
    /// </summary>
    public static PlanStep Ensure<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        new EnsureStep(ResourceType.Of<T>(), KeyOf(value), KubeJson.Serialize(value));

    /// <summary>
    /// A patch, for instance of <c>/scale</c>, of finalizers or of annotations. An absent target is no failure for deletions only.
    /// </summary>
    public static PlanStep Patch<T>(string ns, string name, PatchKind kind, ReadOnlyMemory<byte> body, string subresource = "")
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        new PatchStep(ResourceType.Of<T>(), new ObjectKey(ns, name), kind, body, subresource);

    /// <summary>Deletion, by default only of the object with this uid, in the background. An absent object is no failure.</summary>
    public static PlanStep Delete<T>(T value, string propagation = "Background", long? graceSeconds = null)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        new DeleteStep(ResourceType.Of<T>(), KeyOf(value), value.Metadata.Uid, propagation, graceSeconds);

    private static ObjectKey KeyOf(IKubernetesObject<V1ObjectMeta> value) =>
        new(value.Metadata.NamespaceProperty ?? "", value.Metadata.Name ?? "");
}

public sealed record ApplyStep(ResourceType Type, ObjectKey Key, ReadOnlyMemory<byte> Body) : PlanStep(Type, Key);

public sealed record CreateStep(ResourceType Type, ObjectKey Key, ReadOnlyMemory<byte> Body) : PlanStep(Type, Key);

public sealed record EnsureStep(ResourceType Type, ObjectKey Key, ReadOnlyMemory<byte> Body) : PlanStep(Type, Key);

public sealed record PatchStep(ResourceType Type, ObjectKey Key, PatchKind Kind, ReadOnlyMemory<byte> Body, string Subresource)
    : PlanStep(Type, Key);

public sealed record DeleteStep(ResourceType Type, ObjectKey Key, string? Uid, string Propagation, long? GraceSeconds)
    : PlanStep(Type, Key);

/// <summary>A Kubernetes Event about the reconciled object.</summary>
/// <param name="Type"><c>Normal</c> or <c>Warning</c>.</param>
public sealed record PlanEvent(string Type, string Reason, string Message);
