using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// Leads the pods of Deployments that stand for this process to its own node name, whoever writes the Deployment, and says so. That
/// makes upstream's release files harmless: no second control plane starts.
/// </summary>
internal sealed class InstalledAdmission : IAdmissionPlugin
{
    private static readonly string[] OwnUsers =
        ["system:apiserver", "system:serviceaccount:kube-system:", $"system:serviceaccount:{Identities.SystemNamespace}:"];

    public bool Handles(ResourceType type, string subresource, KubeVerb operation) =>
        type is { Group: "apps", Plural: "deployments" } && subresource.Length == 0 && operation is KubeVerb.Create or KubeVerb.Update;

    public AdmissionResponse Mutate(AdmissionRequest request)
    {
        if (request.Object is not { } document || !InstalledRole.StandsFor(request.Key.Namespace, request.Key.Name)
            || JsonNode.Parse(document.Json.Span)?["spec"]?["template"]?["spec"] is not JsonObject spec)
        {
            return AdmissionResponse.Allowed;
        }

        IReadOnlyList<string> warnings = OwnUsers.Any(u => request.User.Name.StartsWith(u, StringComparison.Ordinal))
            ? []
            :
            [
                $"Deployment {request.Key.Namespace}/{request.Key.Name}: knetd does this work itself; the Deployment is kept and shown, "
                + "but its containers are not started",
            ];
        if ((string?)spec["nodeName"] == InstalledRole.NodeName)
        {
            return new AdmissionResponse { Warnings = warnings };
        }

        spec["nodeName"] = InstalledRole.NodeName;
        return new AdmissionResponse(new KubeDocument(KubeJson.Serialize(spec.Root))) { Warnings = warnings };
    }

    public AdmissionResponse Validate(AdmissionRequest request) => AdmissionResponse.Allowed;
}
