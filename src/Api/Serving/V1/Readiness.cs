using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>Whether an object's Ready condition speaks of its present generation, and what it says.</summary>
public static class Readiness
{
    public static bool IsReady(this KnRevision revision) =>
        revision.Status.ObservedGeneration == revision.Metadata.Generation && ConditionSet.IsTrue(revision.Status.Conditions);

    public static bool IsFailed(this KnRevision revision) =>
        revision.Status.ObservedGeneration == revision.Metadata.Generation && ConditionSet.IsFalse(revision.Status.Conditions);

    public static bool IsReady(this KnConfiguration configuration) =>
        configuration.Status.ObservedGeneration == configuration.Metadata.Generation &&
        ConditionSet.IsTrue(configuration.Status.Conditions);

    public static bool IsFailed(this KnConfiguration configuration) =>
        configuration.Status.ObservedGeneration == configuration.Metadata.Generation &&
        ConditionSet.IsFalse(configuration.Status.Conditions);

    public static bool IsReady(this KnRoute route) =>
        route.Status.ObservedGeneration == route.Metadata.Generation && ConditionSet.IsTrue(route.Status.Conditions);

    public static bool IsFailed(this KnRoute route) =>
        route.Status.ObservedGeneration == route.Metadata.Generation && ConditionSet.IsFalse(route.Status.Conditions);
}
