using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Workloads.Namespaces;

/// <summary>What is still there of a kind in a namespace that is being deleted.</summary>
/// <param name="Finalizers">The finalizers of each of the objects.</param>
internal sealed record Remains(ResourceType Type, IReadOnlyList<IList<string>?> Finalizers);

/// <summary>Why a namespace that is being deleted is still there, with the reasons and texts of Kubernetes' namespace controller.</summary>
internal static class NamespaceConditions
{
    /// <summary>A strategic merge patch of the status; null when the conditions stand there already.</summary>
    public static JsonObject? Patch(IList<V1NamespaceCondition>? known, IEnumerable<Remains> remains, DateTimeOffset now)
    {
        var stamp = now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        var changed = new JsonArray();
        foreach (var wanted in Of([.. remains]))
        {
            var before = known?.FirstOrDefault(c => c.Type == wanted.Type);
            if (before is not null && (before.Status, before.Message) == (wanted.Status, wanted.Message))
            {
                continue;
            }

            var condition = new JsonObject
            {
                ["type"] = wanted.Type, ["status"] = wanted.Status, ["reason"] = wanted.Reason, ["message"] = wanted.Message,
            };
            if (before?.Status != wanted.Status)
            {
                condition["lastTransitionTime"] = stamp;
            }

            changed.Add(condition);
        }

        return changed.Count == 0 ? null : new JsonObject { ["status"] = new JsonObject { ["conditions"] = changed } };
    }

    private static IEnumerable<(string Type, string Status, string Reason, string Message)> Of(IReadOnlyList<Remains> remains)
    {
        yield return ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered");
        yield return ("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
            "All legacy kube types successfully parsed");
        yield return ("NamespaceDeletionContentFailure", "False", "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization");
        var kinds = remains.Where(r => r.Finalizers.Count > 0)
            .Select(r => $"{r.Type.Plural}.{r.Type.Group} has {r.Finalizers.Count} resource instances")
            .Order(StringComparer.Ordinal).ToList();
        yield return kinds.Count > 0
            ? ("NamespaceContentRemaining", "True", "SomeResourcesRemain", $"Some resources are remaining: {string.Join(", ", kinds)}")
            : ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed");
        var finalizers = remains.SelectMany(r => r.Finalizers).SelectMany(f => f ?? []).CountBy(f => f)
            .Select(f => $"{f.Key} in {f.Value} resource instances").Order(StringComparer.Ordinal).ToList();
        yield return finalizers.Count > 0
            ? ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
                $"Some content in the namespace has finalizers remaining: {string.Join(", ", finalizers)}")
            : ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished");
    }
}
