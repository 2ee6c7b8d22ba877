using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Roles;

/// <summary>ClusterRoles have no status.</summary>
internal sealed record NoStatus;

/// <summary>
/// Writes the rules of the selected ClusterRoles into each that aggregates (admin, edit, view), so that people see what it allows. One
/// that is aggregated itself wakes those above it.
/// </summary>
internal sealed class RoleAggregationReconciler : IReconciler<V1ClusterRole, NoStatus>
{
    public Plan<NoStatus> Reconcile(V1ClusterRole resource, IView view)
    {
        if (resource.AggregationRule?.ClusterRoleSelectors is not { Count: > 0 } selectors
            || resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null);
        }

        var rules = new JsonArray();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var role in view.All<V1ClusterRole>("").OrderBy(r => r.Metadata.Name, StringComparer.Ordinal))
        {
            if (role.Metadata.Name != resource.Metadata.Name && selectors.Any(s => RbacGrants.Selects(s, role.Metadata.Labels)))
            {
                foreach (var rule in (role.Rules ?? []).Select(Json).Where(r => known.Add(r.ToJsonString())))
                {
                    rules.Add(rule);
                }
            }
        }

        var have = new JsonArray([.. (resource.Rules ?? []).Select(Json)]);
        if (JsonNode.DeepEquals(have, rules))
        {
            return new(null);
        }

        var patch = KubeJson.Serialize<JsonNode>(new JsonObject { ["rules"] = rules });
        return new(null) { Steps = [PlanStep.Patch<V1ClusterRole>("", resource.Metadata.Name, PatchKind.Merge, patch)] };
    }

    private static JsonNode Json(V1PolicyRule rule) => JsonNode.Parse(KubeJson.Serialize(rule))!;
}
