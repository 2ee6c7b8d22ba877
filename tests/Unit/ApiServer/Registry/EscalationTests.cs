using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer;
using Knet.ApiServer.Auth;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Registry;

/// <summary>Roles and bindings give no more than their writer has.</summary>
public sealed class EscalationTests
{
    private static readonly ResourceType Roles = ResourceType.Of<V1Role>();
    private static readonly ResourceType ClusterRoles = ResourceType.Of<V1ClusterRole>();
    private static readonly ResourceType RoleBindings = ResourceType.Of<V1RoleBinding>();
    private static readonly ResourceType ClusterRoleBindings = ResourceType.Of<V1ClusterRoleBinding>();
    private static readonly KubeUser Bob = new("bob", ["dev", "system:authenticated"]);

    private static Task<Api> StartAsync() => Api.StartAsync(o => o with { Access = _ => new AccessControl(new RbacAuthorizer()) });

    private static string Role(string name, string rules, string more = "") => $$"""{"metadata":{"name":"{{name}}"},"rules":[{{rules}}]{{more}} }""";

    private static string Rule(string verbs, string resource, string group = "") =>
        $$"""{"apiGroups":["{{group}}"],"resources":["{{resource}}"],"verbs":[{{string.Join(',', verbs.Split(' ').Select(v => $"\"{v}\""))}}]}""";

    private static string Binding(string name, string role, string kind = "ClusterRole") => $$"""
        {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{kind}}","name":"{{role}}"},
        "subjects":[{"kind":"User","name":"bob"}]}
        """;

    private static async Task GrantAsync(Api admin, string rules)
    {
        await admin.CreateAsync(ClusterRoles, Role("bobs", rules));
        await admin.CreateAsync(ClusterRoleBindings, Binding("bobs", "bobs"));
    }

    private static async Task<KubeException> RefusedAsync(Func<Task<JsonObject>> write) => await Assert.ThrowsAsync<KubeException>(write);

    [Fact]
    public async Task Role_MayHoldWhatItsWriterHolds()
    {
        await using var admin = await StartAsync();
        await GrantAsync(admin, Rule("create update", "*", "rbac.authorization.k8s.io") + "," + Rule("get list", "pods"));
        var bob = admin.As(Bob);
        await bob.CreateAsync(Roles, Role("fine", Rule("get", "pods")));
        var rules = Rule("get delete list watch", "pods") + "," + Rule("get", "secrets");
        var refusal = await RefusedAsync(() => bob.CreateAsync(Roles, Role("more", rules)));
        Assert.Equal((403, "Forbidden"), (refusal.Code, refusal.Reason));
        Assert.Equal(
            "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"bob\" (groups=[\"dev\" \"system:authenticated\"]) is attempting to grant "
            + "RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\" \"watch\"]}\n"
            + "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}",
            refusal.Message);
        Assert.Equal(
            "clusterroles.rbac.authorization.k8s.io \"all\" is forbidden: must have cluster-admin privileges to use the aggregationRule",
            (await RefusedAsync(() => bob.CreateAsync(ClusterRoles, Role(
                "all", "", ""","aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}""")))).Message);
    }

    [Fact]
    public async Task Escalate_AllowsMore()
    {
        await using var admin = await StartAsync();
        await GrantAsync(admin, Rule("create escalate", "roles", "rbac.authorization.k8s.io"));
        await admin.As(Bob).CreateAsync(Roles, Role("more", Rule("*", "*", "*")));
    }

    [Fact]
    public async Task Binding_NeedsTheRightsOrTheVerbBind()
    {
        await using var admin = await StartAsync();
        await GrantAsync(admin, Rule("create", "rolebindings", "rbac.authorization.k8s.io"));
        var bob = admin.As(Bob);
        Assert.Contains(
            "is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}",
            (await RefusedAsync(() => bob.CreateAsync(RoleBindings, Binding("b", "cluster-admin")))).Message);
        var missing = await RefusedAsync(() => bob.CreateAsync(RoleBindings, Binding("b", "none", "Role")));
        Assert.Equal((404, "roles.rbac.authorization.k8s.io \"none\" not found"), (missing.Code, missing.Message));

        await admin.CreateAsync(ClusterRoles, Role("binder", """
            {"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],"resourceNames":["cluster-admin"],"verbs":["bind"]}
            """));
        await admin.CreateAsync(ClusterRoleBindings, Binding("binder", "binder"));
        await bob.CreateAsync(RoleBindings, Binding("b", "cluster-admin"));
        var changed = await RefusedAsync(() => admin.PatchAsync(RoleBindings, "b", PatchKind.Merge, """{"roleRef":{"name":"view"}}"""));
        Assert.Equal(422, changed.Code);
        Assert.Contains("cannot change roleRef", changed.Message);
    }

    [Fact]
    public async Task ClusterAdmin_MayGiveEverything()
    {
        await using var admin = await StartAsync();
        await admin.CreateAsync(ClusterRoleBindings, Binding("bob-admin", "cluster-admin"));
        var bob = admin.As(Bob);
        await bob.CreateAsync(ClusterRoles, Role("all", Rule("*", "*", "*") + """,{"nonResourceURLs":["/metrics"],"verbs":["get"]}"""));
        await bob.CreateAsync(RoleBindings, Binding("b", "admin"));
    }
}
