using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Binding a pod to a node, and evicting it.</summary>
internal sealed class PodSubresources(RegistryParts parts, Updates updates, Deletions deletions)
{
    private readonly Evictions _evictions = new(parts, updates, deletions);
    private static readonly ResourceType Bindings = new("", "v1", "pods/binding", "Binding", true);

    public async Task<KubeResult> BindAsync(KindInfo pods, KubeRequest request, KubeUser user)
    {
        var binding = ObjectBodies.Parse(request.Body);
        if (binding.Object("target").Text("name") is not { Length: > 0 } node)
        {
            var errors = new FieldErrors();
            errors.Required("target.name");
            throw Refusals.Invalid(Bindings, request.Name, errors.All);
        }

        await updates.ChangeAsync(pods, pods, request, user, [], pod =>
        {
            if (pod.Object("spec").Text("nodeName") is { Length: > 0 } other)
            {
                throw Refusals.Conflict(Bindings, request.Name, $"pod {request.Name} is already assigned to node \"{other}\"");
            }

            if (pod.IsDeleting())
            {
                throw Refusals.Conflict(Bindings, request.Name, $"pod {request.Name} is being deleted, cannot be assigned to a host");
            }

            pod.Ensure("spec")["nodeName"] = node;
            foreach (var (key, value) in binding.Object("metadata").Object("annotations") ?? [])
            {
                pod.Metadata().Ensure("annotations")[key] = value?.DeepClone();
            }

            SetScheduled(pod.Ensure("status"), JsonMembers.Time(parts.Time.GetUtcNow()));
            return pod;
        });
        return Done();
    }

    /// <inheritdoc cref="Evictions.EvictAsync"/>
    public async Task<KubeResult> EvictAsync(KindInfo pods, KubeRequest request, KubeUser user)
    {
        await _evictions.EvictAsync(pods, request, user);
        return Done();
    }

    private static void SetScheduled(JsonObject status, string now)
    {
        var conditions = status.Array("conditions");
        if (conditions is null)
        {
            status["conditions"] = conditions = [];
        }

        var old = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Text("type") == "PodScheduled");
        if (old is not null)
        {
            conditions.Remove(old);
        }

        conditions.Add(new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastTransitionTime"] = now });
    }

    private static KubeResult Done() => new(
        KubeDocument.From(new V1Status { ApiVersion = "v1", Kind = "Status", Metadata = new V1ListMeta(), Status = "Success", Code = 201 }),
        201, []);
}
