using System.Text;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Xunit;

namespace Knet.Tests.Unit.Kube;

/// <summary>What is remembered of children, and for how long.</summary>
public sealed class AppliedChildrenTests
{
    private static readonly ResourceType Type = ResourceType.Of<k8s.Models.V1ConfigMap>();
    private static readonly ObjectKey Owner = new("n", "owner"), Other = new("n", "other"), Child = new("n", "child");
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"data":{"a":"b"}}""");

    private static readonly KubeDocument Written = new(
        Encoding.UTF8.GetBytes("""{"kind":"ConfigMap","metadata":{"name":"child","uid":"u","resourceVersion":"1"},"data":{"a":"b"}}"""));

    private readonly AppliedChildren _children = new();

    [Fact]
    public void OwnerGone_NothingOfItIsKept()
    {
        for (var i = 0; i < 1000; i++)
        {
            var owner = new ObjectKey("n", $"owner-{i}");
            _children.Remember(owner, Type, Child, Body, Written);
            _children.Forget(owner);
        }

        Assert.Equal(0, _children.Owners);
    }

    [Fact]
    public void OwnerGone_OthersStay()
    {
        _children.Remember(Owner, Type, Child, Body, Written);
        _children.Remember(Other, Type, Child, Body, Written);
        _children.Forget(Owner);
        Assert.False(_children.Holds(Owner, Type, Child, Body, Written, exact: false));
        Assert.True(_children.Holds(Other, Type, Child, Body, Written, exact: false));
    }

    [Fact]
    public void ChildDeleted_IsWrittenAgain()
    {
        _children.Remember(Owner, Type, Child, Body, Written);
        _children.Forget(Owner, Type, Child);
        Assert.False(_children.Holds(Owner, Type, Child, Body, Written, exact: false));
    }
}
