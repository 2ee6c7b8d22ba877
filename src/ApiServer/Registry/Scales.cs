using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>The <c>/scale</c> subresource: autoscaling/v1 Scale as a view on an object's replicas.</summary>
internal sealed class Scales(RegistryParts parts, Updates updates)
{
    private static readonly ResourceType ScaleType = new("autoscaling", "v1", "scales", "Scale", true);

    public KubeResult Get(KindInfo kind, KubeRequest request)
    {
        var hub = parts.Kinds.HubOf(kind);
        var stored = parts.Find(hub, new ObjectKey(request.Namespace, request.Name)) ?? throw Refusals.NotFound(kind.Type, request.Name);
        return new KubeResult(Show(hub, parts.View(hub, hub, stored)), 200, []);
    }

    /// <summary>PUT or PATCH of the Scale; only the wanted replicas change.</summary>
    public async Task<KubeResult> ChangeAsync(KindInfo kind, KubeRequest request, KubeUser user)
    {
        var hub = parts.Kinds.HubOf(kind);
        var result = await updates.ChangeAsync(hub, hub, request, user, [], current =>
        {
            var isApply = request is { Verb: KubeVerb.Patch, Patch: PatchKind.Apply };
            var scale = isApply ? ObjectBodies.Parse(request.Body) : Wanted(request, Make(hub, current));
            if (scale.Object("spec").Number("replicas") is not (>= 0 and var replicas))
            {
                var errors = new FieldErrors();
                errors.Invalid("spec.replicas", scale.At("spec.replicas")?.DeepClone(), "must be greater than or equal to 0");
                throw Refusals.Invalid(ScaleType, request.Name, errors.All);
            }

            var changed = isApply ? Applied(hub, request, user, current, replicas) : current;
            changed.Put(hub.Scale!.SpecReplicas, replicas);
            changed.Metadata()["resourceVersion"] = scale.Metadata().Text("resourceVersion");
            return changed;
        });
        return result with { Document = Show(hub, result.Document) };
    }

    // Who applies a Scale applies the object's replicas: they conflict with those of other managers, and are theirs afterwards.
    private JsonObject Applied(KindInfo hub, KubeRequest request, KubeUser user, JsonObject current, long replicas)
    {
        var applied = new JsonObject { ["apiVersion"] = hub.Type.ApiVersion, ["kind"] = hub.Type.Kind };
        applied.Put(hub.Scale!.SpecReplicas, replicas);
        return ServerSideApply.Apply(
            hub.Schema?.Value, current, applied, WritePipeline.ManagerOf(request, user), hub.Type.ApiVersion, "scale", request.Force,
            parts.Time.GetUtcNow().UtcDateTime);
    }

    private static JsonObject Wanted(KubeRequest request, JsonObject scale) => request switch
    {
        { Verb: KubeVerb.Update } => ObjectBodies.Parse(request.Body),
        { Patch: PatchKind.Json } => JsonPatchDocument.Apply(scale, request.Body.Span).AsObject(),
        _ => MergePatch.Apply(scale, ObjectBodies.Parse(request.Body)).AsObject(),
    };

    private static KubeDocument Show(KindInfo hub, KubeDocument document)
    {
        var scale = Make(hub, ObjectBodies.Parse(document));
        return new KubeDocument(KubeJson.Serialize(scale));
    }

    private static JsonObject Make(KindInfo hub, JsonObject value)
    {
        var paths = hub.Scale!;
        var metadata = new JsonObject();
        foreach (var member in (string[])["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
        {
            metadata.Take(member, value.Object("metadata"));
        }

        var status = new JsonObject { ["replicas"] = value.At(paths.StatusReplicas)?.DeepClone() ?? 0 };
        if (paths.LabelSelector is { } path && value.At(path) is { } selector)
        {
            status["selector"] = selector is JsonObject structured ? Text(structured) : selector.DeepClone();
        }

        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["replicas"] = value.At(paths.SpecReplicas)?.DeepClone() ?? 0 },
            ["status"] = status,
        };
    }

    private static string Text(JsonObject selector)
    {
        var terms = (selector.Object("matchLabels") ?? []).Select(l => $"{l.Key}={l.Value}").ToList();
        foreach (var expression in selector.Items("matchExpressions"))
        {
            var key = expression.Text("key");
            var values = string.Join(",", expression.Texts("values"));
            terms.Add(expression.Text("operator") switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "Exists" => key!,
                _ => "!" + key,
            });
        }

        return string.Join(",", terms);
    }
}
