using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Admission;

/// <summary>A write that plug-ins look at.</summary>
internal sealed record AdmittedWrite(
    KubeVerb Operation, ResourceType Type, string Subresource, ObjectKey Key, StoredObject? Old, KubeUser User, bool DryRun);

/// <summary>The admission plug-ins in order: first all mutate, later (with defaults and schema checked in between) all validate.</summary>
internal sealed class AdmissionChain(IReadOnlyList<IAdmissionPlugin> plugins)
{
    /// <summary>The object as the plug-ins leave it.</summary>
    /// <exception cref="KubeException">A plug-in denied it; with the plug-in's own text, code and reason.</exception>
    public JsonObject Mutate(AdmittedWrite write, JsonObject value, List<string> warnings)
    {
        KubeDocument? document = null;
        foreach (var plugin in plugins)
        {
            if (plugin.Handles(write.Type, write.Subresource, write.Operation))
            {
                document ??= Encode(value);
                var response = Check(plugin.Mutate(Request(write, document)), warnings);
                if (response.Mutated is { } mutated)
                {
                    document = mutated;
                    value = JsonNode.Parse(mutated.Json.Span)!.AsObject();
                }
            }
        }

        return value;
    }

    /// <param name="write">The write.</param>
    /// <param name="value">The object to be stored; null for deletions.</param>
    /// <param name="warnings">Takes the plug-ins' warnings.</param>
    /// <exception cref="KubeException">A plug-in denied it.</exception>
    public void Validate(AdmittedWrite write, JsonObject? value, List<string> warnings)
    {
        KubeDocument? document = null;
        foreach (var plugin in plugins)
        {
            if (plugin.Handles(write.Type, write.Subresource, write.Operation))
            {
                document ??= value is null ? null : Encode(value);
                Check(plugin.Validate(Request(write, document)), warnings);
            }
        }
    }

    private static KubeDocument Encode(JsonObject value) => new(EncodedObject.From(value).Body);

    private static AdmissionRequest Request(AdmittedWrite write, KubeDocument? document) => new(
        write.Operation, write.Type, write.Subresource, write.Key, document, write.Old?.Document, write.User, write.DryRun);

    private static AdmissionResponse Check(AdmissionResponse response, List<string> warnings)
    {
        warnings.AddRange(response.Warnings);
        return response.Denied is { } why ? throw KubeException.Of(response.Code, response.Reason, why) : response;
    }
}
