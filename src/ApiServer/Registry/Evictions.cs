using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Selectors;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Deleting a pod as its disruption budget allows it: <c>pods/eviction</c>, what <c>kubectl drain</c> asks for.</summary>
internal sealed class Evictions(RegistryParts parts, Updates updates, Deletions deletions)
{
    private static readonly ResourceType Budgets = ResourceType.Of<V1PodDisruptionBudget>();

    /// <exception cref="KubeException">429: the budget is used up; 404: no such pod; 500: more than one budget covers it.</exception>
    public async Task EvictAsync(KindInfo pods, KubeRequest request, KubeUser user)
    {
        var eviction = ObjectBodies.Parse(request.Body);
        if (eviction.Name() is { Length: > 0 } name && name != request.Name)
        {
            throw Refusals.BadRequest("name in URL does not match name in Eviction object");
        }

        var options = eviction.Object("deleteOptions") is { } given
            ? KubeJson.Deserialize<V1DeleteOptions>(KubeJson.Serialize(given))
            : null;
        var dryRun = request.DryRun || options?.DryRun?.Contains("All") == true;
        var stored = parts.Find(pods, new ObjectKey(request.Namespace, request.Name)) ?? throw Refusals.NotFound(pods.Type, request.Name);
        if (Needs(ObjectBodies.Parse(stored.Document)) && Covering(stored.Document.Metadata) is { } budget)
        {
            await TakeAsync(budget, request, ObjectBodies.Parse(stored.Document), dryRun);
        }

        await deletions.DeleteAsync(
            pods, request with { Verb = KubeVerb.Delete, Subresource = "", DeleteOptions = options, Body = default, DryRun = dryRun }, user);
    }

    // What has ended, has not begun or is going already disrupts nobody.
    private static bool Needs(JsonObject pod) =>
        !pod.IsDeleting() && pod.Object("status").Text("phase") is not ("Succeeded" or "Failed" or "Pending");

    private string? Covering(V1ObjectMeta pod)
    {
        var labels = new JsonObject((pod.Labels ?? new Dictionary<string, string>()).Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
        var found = parts.Store.Snapshot(KindSource.TableOf(Budgets)).Range(pod.NamespaceProperty, null)
            .Select(b => ObjectBodies.Parse(b.Document))
            .Where(b => b.Object("spec").Object("selector") is { } selector && StructuredSelector.Matches(selector, labels)).ToList();
        return found.Count > 1
            ? throw KubeException.Of(
                500, "InternalError",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
            : found.SingleOrDefault()?.Name();
    }

    private async Task TakeAsync(string budget, KubeRequest request, JsonObject pod, bool dryRun)
    {
        var kind = parts.KindOf(Budgets);
        var change = new KubeRequest(KubeVerb.Update, Budgets)
        {
            Namespace = request.Namespace, Name = budget, Subresource = "status", DryRun = dryRun,
        };
        await updates.ChangeAsync(kind, kind, change, ApiServerCore.System, [], current =>
        {
            var (status, spec) = (current.Ensure("status"), current.Object("spec"));
            if ((status.Number("observedGeneration") ?? 0) < (current.Metadata().Number("generation") ?? 0))
            {
                throw Refuse(budget, $"The disruption budget {budget} is still being processed by the server.");
            }

            var (healthy, desired) = (status.Number("currentHealthy") ?? 0, status.Number("desiredHealthy") ?? 0);
            if (!IsReady(pod) && (spec.Text("unhealthyPodEvictionPolicy") == "AlwaysAllow" || (healthy >= desired && desired > 0)))
            {
                return current; // it is not among the healthy ones
            }

            if (status.Number("disruptionsAllowed") is not (> 0 and var allowed))
            {
                throw Refuse(budget, string.Create(
                    CultureInfo.InvariantCulture, $"The disruption budget {budget} needs {desired} healthy pods and has {healthy} currently"));
            }

            status["disruptionsAllowed"] = allowed - 1;
            status.Ensure("disruptedPods")[pod.Name()] = JsonMembers.Time(parts.Time.GetUtcNow());
            return current;
        });
    }

    private static bool IsReady(JsonObject pod) =>
        pod.Object("status").Items("conditions").Any(c => c.Text("type") == "Ready" && c.Text("status") == "True");

    private static KubeException Refuse(string budget, string why) => KubeException.Of(
        429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.",
        new V1StatusDetails
        {
            Name = budget, Causes = [new V1StatusCause { Reason = "DisruptionBudget", Message = why }],
        });
}
