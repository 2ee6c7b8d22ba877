using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Pods;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Deployments;

/// <summary>The ReplicaSets of one Deployment: which is the newest, how one is made, scaled and numbered.</summary>
internal static class RolloutSets
{
    // Annotations of the Deployment that say something about the Deployment only.
    private static readonly HashSet<string> NotCopied = new(StringComparer.Ordinal)
    {
        WorkloadLabels.LastApplied, WorkloadLabels.Revision, WorkloadLabels.RevisionHistory, WorkloadLabels.DesiredReplicas,
        WorkloadLabels.MaxReplicas, "deprecated.deployment.rollback.to",
    };

    public static int Size(V1ReplicaSet set) => set.Spec.Replicas ?? 1;

    public static long RevisionOf(V1ObjectMeta metadata) =>
        metadata.Annotations is { } annotations && annotations.TryGetValue(WorkloadLabels.Revision, out var text)
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    public static string HashOf(V1Deployment deployment) =>
        SafeNames.Hash(deployment.Spec.Template, (deployment.Status?.CollisionCount ?? 0).ToString(CultureInfo.InvariantCulture));

    /// <summary>The oldest ReplicaSet with the Deployment's template; null when there is none yet.</summary>
    public static V1ReplicaSet? FindNewest(V1Deployment deployment, string hash, IEnumerable<V1ReplicaSet> sets)
    {
        JsonNode? wanted = null;
        return sets.OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal).FirstOrDefault(set =>
            HashLabel(set) == hash || JsonNode.DeepEquals(Template(set), wanted ??= Template(deployment.Spec.Template)));
    }

    public static V1ReplicaSet Create(V1Deployment deployment, string hash, int replicas, long revision)
    {
        var template = deployment.Spec.Template;
        var labels = With(template.Metadata?.Labels, WorkloadLabels.PodTemplateHash, hash);
        var annotations = Copied(deployment);
        annotations[WorkloadLabels.Revision] = Text(revision);
        foreach (var (name, value) in SizeAnnotations(deployment))
        {
            annotations[name] = value;
        }

        return new V1ReplicaSet
        {
            ApiVersion = "apps/v1",
            Kind = "ReplicaSet",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = deployment.Metadata.NamespaceProperty,
                Name = $"{deployment.Metadata.Name}-{hash}",
                Labels = labels,
                Annotations = annotations,
                OwnerReferences = [Ownership.ReferenceTo("apps/v1", "Deployment", deployment.Metadata)],
            },
            Spec = new V1ReplicaSetSpec
            {
                Replicas = replicas,
                MinReadySeconds = deployment.Spec.MinReadySeconds,
                Selector = deployment.Spec.Selector with
                {
                    MatchLabels = With(deployment.Spec.Selector.MatchLabels, WorkloadLabels.PodTemplateHash, hash),
                },
                Template = template with { Metadata = (template.Metadata ?? new V1ObjectMeta()) with { Labels = labels } },
            },
        };
    }

    /// <summary>Whether the sizes written on a ReplicaSet are not those of the Deployment any more: it was scaled since.</summary>
    public static bool SizesDiffer(V1Deployment deployment, V1ReplicaSet set) =>
        !Selection.Contains(set.Metadata.Annotations, SizeAnnotations(deployment));

    /// <summary>One write for the size and what is annotated about it.</summary>
    public static PlanStep Scale(V1Deployment deployment, V1ReplicaSet set, int replicas)
    {
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["annotations"] = new JsonObject(SizeAnnotations(deployment).Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))),
            },
            ["spec"] = new JsonObject { ["replicas"] = replicas },
        };
        return Merge(set, body);
    }

    /// <summary>Brings number, copied annotations and minReadySeconds of the newest ReplicaSet up to date; null when they are.</summary>
    public static PlanStep? Renew(V1Deployment deployment, V1ReplicaSet set, long revision)
    {
        var annotations = new JsonObject();
        foreach (var (name, value) in Copied(deployment))
        {
            if (set.Metadata.Annotations is null || !set.Metadata.Annotations.TryGetValue(name, out var have) || have != value)
            {
                annotations[name] = value;
            }
        }

        var old = RevisionOf(set.Metadata);
        if (old < revision)
        {
            annotations[WorkloadLabels.Revision] = Text(revision);
            if (old > 0)
            {
                var history = set.Metadata.Annotations is { } a && a.TryGetValue(WorkloadLabels.RevisionHistory, out var h) ? $"{h}," : "";
                annotations[WorkloadLabels.RevisionHistory] = history + Text(old);
            }
        }

        var body = new JsonObject();
        if (annotations.Count > 0)
        {
            body["metadata"] = new JsonObject { ["annotations"] = annotations };
        }

        if ((set.Spec.MinReadySeconds ?? 0) != (deployment.Spec.MinReadySeconds ?? 0))
        {
            body["spec"] = new JsonObject { ["minReadySeconds"] = deployment.Spec.MinReadySeconds ?? 0 };
        }

        return body.Count == 0 ? null : Merge(set, body);
    }

    /// <summary>
    /// Writes the newest revision's number on the Deployment, where kubectl rollout looks for it; null when it stands there.
    /// </summary>
    public static PlanStep? Number(V1Deployment deployment, long revision)
    {
        if (RevisionOf(deployment.Metadata) == revision)
        {
            return null;
        }

        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [WorkloadLabels.Revision] = Text(revision) } },
        };
        return PlanStep.Patch<V1Deployment>(
            deployment.Metadata.NamespaceProperty, deployment.Metadata.Name, PatchKind.Merge, KubeJson.Serialize(body));
    }

    private static PlanStep Merge(V1ReplicaSet set, JsonObject body) =>
        PlanStep.Patch<V1ReplicaSet>(set.Metadata.NamespaceProperty, set.Metadata.Name, PatchKind.Merge, KubeJson.Serialize(body));

    private static Dictionary<string, string> SizeAnnotations(V1Deployment deployment)
    {
        var replicas = RolloutMath.Replicas(deployment);
        return new()
        {
            [WorkloadLabels.DesiredReplicas] = Text(replicas),
            [WorkloadLabels.MaxReplicas] = Text(replicas + RolloutMath.MaxSurge(deployment)),
        };
    }

    private static Dictionary<string, string> Copied(V1Deployment deployment) =>
        deployment.Metadata.Annotations?.Where(a => !NotCopied.Contains(a.Key)).ToDictionary(StringComparer.Ordinal)
        ?? new Dictionary<string, string>(StringComparer.Ordinal);

    private static Dictionary<string, string> With(IDictionary<string, string>? labels, string name, string value) =>
        new(labels ?? new Dictionary<string, string>(), StringComparer.Ordinal) { [name] = value };

    private static string? HashLabel(V1ReplicaSet set) =>
        set.Metadata.Labels?.TryGetValue(WorkloadLabels.PodTemplateHash, out var hash) == true ? hash : null;

    private static JsonNode? Template(V1ReplicaSet set) => Template(set.Spec.Template);

    private static JsonNode? Template(V1PodTemplateSpec template)
    {
        var node = JsonNode.Parse(KubeJson.Serialize(template));
        (node?["metadata"]?["labels"] as JsonObject)?.Remove(WorkloadLabels.PodTemplateHash);
        return node;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
