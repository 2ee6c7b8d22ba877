using System.Text.Json.Nodes;
using Knet.ApiServer.Apply;
using Knet.ApiServer.Registry.Kinds;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>A patch, applied in the version in which it was sent.</summary>
internal sealed class PatchBody(
    KindInfo kind, KindInfo hub, KubeRequest request, KubeUser user, TimeProvider time, List<string> warnings)
{
    /// <param name="current">The stored object, a private copy in the stored version; null when apply creates it.</param>
    /// <returns>The patched object in the stored version.</returns>
    /// <exception cref="KubeException">400, 409, 415 or 422 as the patch deserves.</exception>
    public JsonObject Apply(JsonObject? current)
    {
        warnings.Clear();
        if (current is not null)
        {
            Conversions.Convert(current, hub.Type, kind.Type);
        }

        var result = Patched(current);
        return ObjectBodies.Read(result, kind, hub, request, warnings);
    }

    private JsonObject Patched(JsonObject? current)
    {
        switch (request.Patch)
        {
            case PatchKind.Apply:
                return ServerSideApplied(current);
            case PatchKind.Json:
                return Object(JsonPatchDocument.Apply(current!, request.Body.Span));
            case PatchKind.Merge:
                return Object(MergePatch.Apply(current!, ObjectBodies.Parse(request.Body)));
            case PatchKind.Strategic when !kind.IsCustom:
                return StrategicMergePatch.Apply(kind.Schema?.Value, current!, ObjectBodies.Parse(request.Body));
            default:
                throw Refusals.UnsupportedPatch(kind.IsCustom);
        }
    }

    private JsonObject ServerSideApplied(JsonObject? current)
    {
        if (string.IsNullOrEmpty(request.FieldManager))
        {
            throw KubeException.Of(
                422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
        }

        var applied = ObjectBodies.Read(ObjectBodies.Parse(request.Body), kind, kind, request, warnings);
        var only = request.Subresource == "status";
        foreach (var member in applied.Select(m => m.Key).ToList())
        {
            var isStatus = member == "status";
            if (member is not ("apiVersion" or "kind" or "metadata") && kind.HasStatus && isStatus != only)
            {
                applied.Remove(member);
            }
        }

        return ServerSideApply.Apply(
            kind.Schema?.Value, current, applied, WritePipeline.ManagerOf(request, user), kind.Type.ApiVersion, request.Subresource,
            request.Force, time.GetUtcNow().UtcDateTime);
    }

    private static JsonObject Object(JsonNode? node) =>
        node as JsonObject ?? throw Refusals.BadRequest("the patch makes something else of the object than an object");
}
