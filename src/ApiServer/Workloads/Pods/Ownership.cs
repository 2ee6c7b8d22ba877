using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Pods;

/// <summary>Which objects a workload controls, and how it takes in orphans and lets go of what no longer fits its selector.</summary>
internal static class Ownership
{
    public static V1OwnerReference ReferenceTo(string apiVersion, string kind, V1ObjectMeta owner) => new()
    {
        ApiVersion = apiVersion, Kind = kind, Name = owner.Name, Uid = owner.Uid, Controller = true, BlockOwnerDeletion = true,
    };

    /// <summary>The objects that are the owner's, and the patches that adopt and release.</summary>
    public static (List<T> Ours, List<PlanStep> Steps) Claim<T>(
        IView view, V1OwnerReference reference, V1ObjectMeta owner, V1LabelSelector selector)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var (ours, steps) = (new List<T>(), new List<PlanStep>());
        foreach (var child in view.Owned<T>(owner))
        {
            if (Selection.Matches(selector, child.Metadata.Labels))
            {
                ours.Add(child);
            }
            else if (owner.DeletionTimestamp is null)
            {
                steps.Add(Release(child, owner));
            }
        }

        if (owner.DeletionTimestamp is null && Selection.IndexPair(selector.MatchLabels) is { } pair)
        {
            foreach (var child in view.Labelled<T>(owner.NamespaceProperty, pair.Key, pair.Value))
            {
                if (child.Metadata.OwnerReferences?.Any(o => o.Controller == true) != true && child.Metadata.DeletionTimestamp is null
                    && Selection.Matches(selector, child.Metadata.Labels))
                {
                    steps.Add(Adopt(child, reference));
                    ours.Add(child);
                }
            }
        }

        return (ours, steps);
    }

    private static PlanStep Adopt<T>(T child, V1OwnerReference reference) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Patch(child, JsonNode.Parse(KubeJson.Serialize(reference))!.AsObject());

    private static PlanStep Release<T>(T child, V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Patch(child, new JsonObject { ["$patch"] = "delete", ["uid"] = owner.Uid });

    // The uid in the patch is a precondition: another object of the same name is not meant.
    private static PlanStep Patch<T>(T child, JsonObject reference) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = child.Metadata.Uid, ["ownerReferences"] = new JsonArray(reference) },
        };
        return PlanStep.Patch<T>(child.Metadata.NamespaceProperty, child.Metadata.Name, PatchKind.Strategic, KubeJson.Serialize(body));
    }
}
