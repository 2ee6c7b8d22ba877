using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Schemas;
using Knet.ApiServer.Storage;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Between bytes and untyped objects, with the checks that every body goes through.</summary>
internal static class ObjectBodies
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 256 };

    /// <summary>A private, changeable copy.</summary>
    public static JsonObject Parse(KubeDocument document) => JsonNode.Parse(document.Json.Span)!.AsObject();

    /// <exception cref="KubeException">400: the body is no JSON object.</exception>
    public static JsonObject Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            throw Refusals.NoBody();
        }

        try
        {
            return JsonNode.Parse(body.Span, documentOptions: Strict) as JsonObject
                ?? throw Refusals.BadRequest("the body of the request is no JSON object");
        }
        catch (JsonException e)
        {
            throw Refusals.NoJson(e);
        }
    }

    /// <summary>A document that is not stored.</summary>
    public static KubeDocument Encode(JsonObject value, long revision)
    {
        var encoded = EncodedObject.From(value);
        return new KubeDocument(revision == 0 ? encoded.Body : encoded.Stamp(revision));
    }

    /// <summary>
    /// The object in a body, in its stored version: apiVersion and kind checked, unknown fields removed, name and namespace those of
    /// the request.
    /// </summary>
    /// <exception cref="KubeException">400: the body does not belong here.</exception>
    public static JsonObject Read(JsonObject value, KindInfo kind, KindInfo hub, KubeRequest request, List<string> warnings)
    {
        CheckType(value, kind.Type);
        CheckPlace(value, kind.Type, request);
        Prune(value, kind, request, warnings);
        Conversions.Convert(value, kind.Type, hub.Type);
        return value;
    }

    private static void CheckType(JsonObject value, ResourceType type)
    {
        value.Default("apiVersion", type.ApiVersion);
        value.Default("kind", type.Kind);
        if (value.Text("apiVersion") != type.ApiVersion)
        {
            throw Refusals.BadRequest(
                $"the API version in the data ({value["apiVersion"]}) does not match the expected API version ({type.ApiVersion})");
        }

        if (value.Text("kind") != type.Kind)
        {
            throw Refusals.BadRequest($"the kind in the data ({value["kind"]}) does not match the expected kind ({type.Kind})");
        }

        if (value["metadata"] is not (null or JsonObject))
        {
            throw Refusals.BadRequest($"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: metadata must be an object");
        }
    }

    private static void CheckPlace(JsonObject value, ResourceType type, KubeRequest request)
    {
        var metadata = value.Metadata();
        if (type.Namespaced)
        {
            if (value.Namespace() is { Length: > 0 } ns && ns != request.Namespace)
            {
                throw Refusals.BadRequest(
                    $"the namespace of the provided object does not match the namespace sent on the request ({ns} and {request.Namespace})");
            }

            metadata["namespace"] = request.Namespace;
        }
        else
        {
            metadata.Remove("namespace");
        }

        if (request.Name.Length > 0)
        {
            if (value.Name().Length == 0 && request.Verb == KubeVerb.Update)
            {
                throw Refusals.BadRequest(
                    $"the name of the object ({request.Name} based on URL) was undeterminable: name must be provided");
            }

            if (value.Name() is { Length: > 0 } name && name != request.Name)
            {
                throw Refusals.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Name})");
            }

            metadata["name"] = request.Name;
        }
    }

    private static void Prune(JsonObject value, KindInfo kind, KubeRequest request, List<string> warnings)
    {
        var texts = request.DuplicateFields.Select(d => $"duplicate field \"{d}\"").ToList();
        if (kind.Schema is not null)
        {
            if (!kind.IsCustom)
            {
                // Custom kinds do this when they are defaulted.
                SchemaOperations.DropNulls(kind.Schema.Value, value);
            }

            texts.AddRange(SchemaOperations.Prune(kind.Schema.Value, value).Select(p => $"unknown field \"{p}\""));
        }

        if (texts.Count == 0 || request.FieldValidation is null or "Ignore")
        {
            return;
        }

        if (request.FieldValidation == "Strict")
        {
            throw Refusals.BadRequest(
                $"{kind.Type.Kind} in version \"{kind.Type.Version}\" cannot be handled as a {kind.Type.Kind}: strict decoding error: "
                + string.Join(", ", texts));
        }

        warnings.AddRange(texts);
    }
}
