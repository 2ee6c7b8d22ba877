using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Namespaces;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>What a namespace that is being deleted says about what holds it.</summary>
public sealed class NamespaceConditionTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly Remains[] Left =
    [
        new(ResourceType.Of<V1Deployment>(), []), new(ResourceType.Of<V1ConfigMap>(), [["x.y/z"], ["x.y/z"], null]),
        new(ResourceType.Of<V1Job>(), [["a.b/c"]]),
    ];

    private static List<V1NamespaceCondition> Conditions(IEnumerable<Remains> left) =>
        KubeJson.Deserialize<V1Namespace>(KubeJson.Serialize(NamespaceConditions.Patch(null, left, Now)!)).Status.Conditions.ToList();

    [Fact]
    public void WhatRemains_IsToldInKubernetesWords()
    {
        var conditions = Conditions(Left).ToDictionary(c => c.Type);
        Assert.Equal(
            ("True", "SomeResourcesRemain",
                "Some resources are remaining: configmaps. has 3 resource instances, jobs.batch has 1 resource instances"),
            Of(conditions["NamespaceContentRemaining"]));
        Assert.Equal(
            ("True", "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining: a.b/c in 1 resource instances, x.y/z in 2 resource instances"),
            Of(conditions["NamespaceFinalizersRemaining"]));
        Assert.Equal("False", conditions["NamespaceDeletionContentFailure"].Status);
        Assert.Equal(5, conditions.Count);
        static (string, string, string) Of(V1NamespaceCondition c) => (c.Status, c.Reason, c.Message);
    }

    [Fact]
    public void SameRemains_WriteNothing_AndOnlyWhatChangedIsWritten()
    {
        var known = Conditions(Left);
        Assert.Null(NamespaceConditions.Patch(known, Left, Now.AddSeconds(1)));
        var changed = NamespaceConditions.Patch(known, Left[..2], Now.AddSeconds(1))!["status"]!["conditions"]!.AsArray();
        Assert.Equal(["NamespaceContentRemaining", "NamespaceFinalizersRemaining"], changed.Select(c => (string)c!["type"]!));
        Assert.All(changed, c => Assert.Null(c!["lastTransitionTime"])); // they were true before
    }
}
