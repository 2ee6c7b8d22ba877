using System.Collections.Frozen;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Schema;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles;

/// <summary>
/// Keeps the definitions of the kinds that this program brings as this program writes them, whoever applies another one, and says so.
/// Upstream's CRD files are taken, and change labels and annotations only.
/// </summary>
internal sealed class NativeDefinitions : IAdmissionPlugin
{
    private static readonly ResourceType Definitions = ResourceType.Of<V1CustomResourceDefinition>();
    private readonly FrozenDictionary<string, JsonObject> _specs = CrdWriter.All().ToFrozenDictionary(
        d => (string)d["metadata"]!["name"]!,
        d =>
        {
            var spec = d["spec"]!.DeepClone().AsObject();
            spec["conversion"] ??= new JsonObject { ["strategy"] = "None" };
            return spec;
        });

    public bool Handles(ResourceType type, string subresource, KubeVerb operation) =>
        type == Definitions && subresource.Length == 0 && operation is KubeVerb.Create or KubeVerb.Update;

    public AdmissionResponse Mutate(AdmissionRequest request)
    {
        if (!_specs.TryGetValue(request.Key.Name, out var own) || request.Object is not { } document
            || JsonNode.Parse(document.Json.Span) is not JsonObject given || JsonNode.DeepEquals(given["spec"], own))
        {
            return AdmissionResponse.Allowed;
        }

        given["spec"] = own.DeepClone();
        return new AdmissionResponse(new KubeDocument(KubeJson.Serialize(given)))
        {
            Warnings = [$"CustomResourceDefinition {request.Key.Name}: the kind is built into this server; its definition stays as it is"],
        };
    }

    public AdmissionResponse Validate(AdmissionRequest request) => AdmissionResponse.Allowed;
}
