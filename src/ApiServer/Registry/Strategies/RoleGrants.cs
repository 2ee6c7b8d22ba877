using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Who writes a role or binding must hold the rights it gives, or the verb <c>escalate</c> or <c>bind</c>, as in Kubernetes.</summary>
internal static class RoleGrants
{
    private const string Group = "rbac.authorization.k8s.io";

    /// <exception cref="KubeException">403: the writer would give more than they have; 404: the role of a binding does not exist.</exception>
    public static void Check(WriteContext write, RbacAuthorizer rbac)
    {
        if (write.User.Groups.Contains("system:masters"))
        {
            return;
        }

        if (write.Hub.Type.Kind.EndsWith("Binding", StringComparison.Ordinal))
        {
            CheckBinding(write, rbac);
        }
        else
        {
            CheckRole(write, rbac);
        }
    }

    private static void CheckRole(WriteContext write, RbacAuthorizer rbac)
    {
        var aggregates = write.Object["aggregationRule"] is not null;
        if ((write.Old is { } old && JsonNode.DeepEquals(old["rules"], write.Object["rules"])
                && JsonNode.DeepEquals(old["aggregationRule"], write.Object["aggregationRule"]))
            || May(write, rbac, "escalate", write.Hub.Type.Plural, write.Name))
        {
            return;
        }

        var held = rbac.RulesFor(write.User, write.Namespace);
        if (aggregates && !RbacEscalation.IsEverything(held))
        {
            throw Refusals.Forbidden(write.Hub.Type, write.Name, "must have cluster-admin privileges to use the aggregationRule");
        }

        var rules = KubeJson.Deserialize<V1ClusterRole>(KubeJson.Serialize<JsonNode>(write.Object)).Rules ?? [];
        if (RbacEscalation.Problem(write.User, held, rules) is { } problem)
        {
            throw Refusals.Forbidden(write.Hub.Type, write.Name, problem);
        }
    }

    private static void CheckBinding(WriteContext write, RbacAuthorizer rbac)
    {
        var role = write.Object.Object("roleRef");
        var (kind, name) = (role.Text("kind") ?? "", role.Text("name") ?? "");
        var plural = kind == "Role" ? "roles" : "clusterroles";
        if ((write.Old is { } old && JsonNode.DeepEquals(old["subjects"], write.Object["subjects"]) && JsonNode.DeepEquals(old["roleRef"], role))
            || May(write, rbac, "bind", plural, name))
        {
            return;
        }

        var rules = rbac.RulesOf(kind, kind == "Role" ? write.Namespace : "", name)
            ?? throw Refusals.NotFound(new ResourceType(Group, "v1", plural, kind, kind == "Role"), name);
        if (RbacEscalation.Problem(write.User, rbac.RulesFor(write.User, write.Namespace), rules) is { } problem)
        {
            throw Refusals.Forbidden(write.Hub.Type, write.Name, problem);
        }
    }

    private static bool May(WriteContext write, RbacAuthorizer rbac, string verb, string plural, string name) =>
        rbac.Authorize(write.User, new AccessAttributes(verb, Group, plural, "", write.Namespace, name)).Allowed;
}
