using System.Text;
using Knet.ApiServer.Auth;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Auth;

public sealed class RbacAuthorizerTests
{
    private static readonly KubeUser Ann = new("ann", ["dev", "system:authenticated"]);
    private readonly RbacAuthorizer _rbac = new();

    private void Put(string kind, string json, WatchEventType change = WatchEventType.Added) =>
        _rbac.OnChanged(kind, change, new KubeDocument(Encoding.UTF8.GetBytes(json)));

    private void Bind(string role, string subject, string ns = "")
    {
        var kind = ns.Length == 0 ? "ClusterRoleBinding" : "RoleBinding";
        Put(kind, $$"""
            {"metadata":{"name":"b-{{role}}","namespace":"{{ns}}"},"roleRef":{"kind":"ClusterRole","name":"{{role}}"},"subjects":[{{subject}}]}
            """);
    }

    private bool Can(KubeUser user, string verb, string resource, string ns = "", string name = "", string group = "", string subresource = "") =>
        _rbac.Authorize(user, new(verb, group, resource, subresource, ns, name)).Allowed;

    private const string Group = """{"kind":"Group","name":"dev"}""";

    [Fact]
    public void Nobody_MayDoAnythingButMasters()
    {
        Assert.False(Can(Ann, "get", "pods", "a"));
        Assert.True(Can(new("x", ["system:masters"]), "delete", "nodes"));
    }

    [Fact]
    public void RoleBinding_HoldsInItsNamespaceOnly()
    {
        Put("ClusterRole", """{"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods","pods/log"],"verbs":["get"]}]}""");
        Bind("r", Group, "a");
        Assert.True(Can(Ann, "get", "pods", "a"));
        Assert.True(Can(Ann, "get", "pods", "a", subresource: "log"));
        Assert.False(Can(Ann, "get", "pods", "a", subresource: "exec"));
        Assert.False(Can(Ann, "get", "pods", "b"));
        Assert.False(Can(Ann, "get", "pods"));
        Assert.False(Can(Ann, "list", "pods", "a"));
        Assert.False(Can(Ann, "get", "pods", "a", group: "apps"));
    }

    [Fact]
    public void Change_CountsAtOnce()
    {
        Put("ClusterRole", """{"metadata":{"name":"r"},"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}""");
        Bind("r", Group);
        Assert.True(Can(Ann, "delete", "nodes"));
        Put("ClusterRoleBinding", """{"metadata":{"name":"b-r"}}""", WatchEventType.Deleted);
        Assert.False(Can(Ann, "delete", "nodes"));
    }

    [Theory]
    [InlineData("""["*/scale"]""", "deployments", "scale", true)]
    [InlineData("""["deployments/*"]""", "deployments", "scale", false)]
    [InlineData("""["deployments"]""", "deployments", "scale", false)]
    [InlineData("""["*"]""", "deployments", "scale", true)]
    public void Subresources_NeedToBeNamed(string resources, string resource, string subresource, bool allowed)
    {
        Put("ClusterRole", $$"""{"metadata":{"name":"r"},"rules":[{"apiGroups":["apps"],"resources":{{resources}},"verbs":["get"]}]}""");
        Bind("r", Group);
        Assert.Equal(allowed, Can(Ann, "get", resource, "a", group: "apps", subresource: subresource));
    }

    [Fact]
    public void ResourceNames_LimitARule()
    {
        Put("ClusterRole", """
            {"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["secrets"],"resourceNames":["s"],"verbs":["get"]}]}
            """);
        Bind("r", """{"kind":"ServiceAccount","name":"sa","namespace":"x"}""");
        var account = KubeUser.ServiceAccount("x", "sa");
        Assert.True(Can(account, "get", "secrets", "a", "s"));
        Assert.False(Can(account, "get", "secrets", "a", "t"));
        Assert.False(Can(account, "get", "secrets", "a"));
    }

    [Fact]
    public void AggregatedRole_HasTheRulesOfThoseItSelects()
    {
        Put("ClusterRole", """{"metadata":{"name":"all"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"to":"all"}}]}}""");
        Put("ClusterRole", """{"metadata":{"name":"part","labels":{"to":"all"}},"rules":[{"apiGroups":["x"],"resources":["ys"],"verbs":["get"]}]}""");
        Bind("all", Group);
        Assert.True(Can(Ann, "get", "ys", group: "x"));
    }

    [Fact]
    public void NonResourcePaths_MatchByPrefix()
    {
        Put("ClusterRole", """{"metadata":{"name":"r"},"rules":[{"nonResourceURLs":["/metrics","/debug/*"],"verbs":["get"]}]}""");
        Bind("r", Group);
        bool Path(string path) => _rbac.Authorize(Ann, new("get", "", "", "", "", "", path)).Allowed;
        Assert.True(Path("/metrics"));
        Assert.True(Path("/debug/x"));
        Assert.False(Path("/metrics/y"));
    }

    [Fact]
    public void MissingRole_IsNamedInTheReason()
    {
        Bind("gone", Group);
        Assert.Equal(
            """RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found""", _rbac.Authorize(Ann, new("get", "", "pods", "", "a", "")).Reason);
    }
}
