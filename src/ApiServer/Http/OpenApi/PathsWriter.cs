using System.Text.Json;
using Knet.ApiServer.Registry;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>
/// Writes the paths of kinds: as much as clients look at, which is the verbs with their kind, the query options that writes
/// understand, and the patch types.
/// </summary>
internal sealed class PathsWriter(Utf8JsonWriter w, bool isV3)
{
    private static readonly string[] Writing = ["dryRun", "fieldManager", "fieldValidation"];
    private static readonly string[] Deleting = ["dryRun", "gracePeriodSeconds", "propagationPolicy", "orphanDependents"];
    private static readonly string[] Listing = ["labelSelector", "fieldSelector", "limit", "continue", "watch", "resourceVersion", "timeoutSeconds"];

    /// <summary>The collection's and the object's path, as members of the object that is open.</summary>
    public void WriteKind(KindInfo kind)
    {
        var root = kind.Type.Group.Length == 0 ? $"/api/{kind.Type.Version}" : $"/apis/{kind.Type.Group}/{kind.Type.Version}";
        var collection = kind.Type.Namespaced ? $"{root}/namespaces/{{namespace}}/{kind.Type.Plural}" : $"{root}/{kind.Type.Plural}";
        w.WriteStartObject(collection);
        Operation(kind, "list", "get", Listing);
        Operation(kind, "create", "post", Writing);
        Operation(kind, "deletecollection", "delete", [.. Deleting, .. Listing]);
        w.WriteEndObject();
        if (kind.IsVirtual)
        {
            return;
        }

        w.WriteStartObject(collection + "/{name}");
        Operation(kind, "get", "get", []);
        Operation(kind, "update", "put", Writing);
        Operation(kind, "patch", "patch", [.. Writing, "force"]);
        Operation(kind, "delete", "delete", Deleting);
        w.WriteEndObject();
    }

    private void Operation(KindInfo kind, string verb, string method, string[] parameters)
    {
        if (!kind.Verbs.Contains(verb))
        {
            return;
        }

        w.WriteStartObject(method);
        w.WriteString("operationId", $"{verb}{kind.Type.Group.Replace(".", "", StringComparison.Ordinal)}{kind.Type.Version}{kind.Type.Kind}");
        WriteParameters(parameters);
        if (verb == "patch")
        {
            WritePatchTypes(kind);
        }

        w.WriteStartObject("responses");
        w.WriteStartObject("200");
        w.WriteString("description", "OK");
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteString("x-kubernetes-action", verb);
        w.WriteStartObject("x-kubernetes-group-version-kind");
        w.WriteString("group", kind.Type.Group);
        w.WriteString("version", kind.Type.Version);
        w.WriteString("kind", kind.Type.Kind);
        w.WriteEndObject();
        w.WriteEndObject();
    }

    private void WriteParameters(string[] parameters)
    {
        w.WriteStartArray("parameters");
        foreach (var name in parameters)
        {
            var type = name switch
            {
                "force" or "watch" or "orphanDependents" => "boolean",
                "limit" or "timeoutSeconds" or "gracePeriodSeconds" => "integer",
                _ => "string",
            };
            w.WriteStartObject();
            w.WriteString("name", name);
            w.WriteString("in", "query");
            if (isV3)
            {
                w.WriteStartObject("schema");
                w.WriteString("type", type);
                w.WriteEndObject();
            }
            else
            {
                w.WriteString("type", type);
            }

            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private void WritePatchTypes(KindInfo kind)
    {
        List<string> types = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
        if (!kind.IsCustom)
        {
            types.Add("application/strategic-merge-patch+json");
        }

        if (!isV3)
        {
            w.WriteStartArray("consumes");
            types.ForEach(w.WriteStringValue);
            w.WriteEndArray();
            return;
        }

        w.WriteStartObject("requestBody");
        w.WriteStartObject("content");
        foreach (var type in types)
        {
            w.WriteStartObject(type);
            w.WriteStartObject("schema");
            w.WriteString("type", "object");
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndObject();
        w.WriteBoolean("required", true);
        w.WriteEndObject();
    }
}
