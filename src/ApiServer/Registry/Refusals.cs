using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using FieldError = Knet.ApiServer.Schemas.FieldError;

namespace Knet.ApiServer.Registry;

/// <summary>The errors of the API with Kubernetes' exact texts and details.</summary>
public static class Refusals
{
    public static KubeException NotServed() =>
        KubeException.Of(404, "NotFound", "the server could not find the requested resource", new V1StatusDetails());

    public static KubeException NotFound(ResourceType type, string name) =>
        KubeException.Of(404, "NotFound", $"{type.GroupResource} \"{name}\" not found", Details(type, name));

    public static KubeException AlreadyExists(ResourceType type, string name) =>
        KubeException.Of(409, "AlreadyExists", $"{type.GroupResource} \"{name}\" already exists", Details(type, name));

    public static KubeException Modified(ResourceType type, string name) => Conflict(
        type, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static KubeException Conflict(ResourceType type, string name, string why) => KubeException.Of(
        409, "Conflict", $"Operation cannot be fulfilled on {type.GroupResource} \"{name}\": {why}", Details(type, name));

    public static KubeException BadRequest(string message) => KubeException.Of(400, "BadRequest", message);

    public static KubeException MethodNotAllowed(string method) =>
        KubeException.Of(405, "MethodNotAllowed", $"{method} is not supported on resources of this kind");

    /// <summary>A kind that exists so that tools can list it, and that nothing here runs.</summary>
    public static KubeException NotRun(ResourceType type) =>
        KubeException.Of(405, "MethodNotAllowed", $"this server has no controller for {type.GroupResource}: none can be created");

    public static KubeException Terminating() =>
        KubeException.Of(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating");

    /// <param name="isCustom">Custom kinds take no strategic patches.</param>
    public static KubeException UnsupportedPatch(bool isCustom) => KubeException.Of(
        415, "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        + $"application/merge-patch+json, {(isCustom ? "" : "application/strategic-merge-patch+json, ")}application/apply-patch+yaml");

    public static KubeException NoBody() => BadRequest("the request must have a body");

    public static KubeException NoJson(System.Text.Json.JsonException why) => BadRequest($"the body of the request is no valid JSON: {why.Message}");

    public static KubeException Expired(string message) => KubeException.Of(410, "Expired", message);

    /// <summary>A version that is not there yet. Clients that see the cause ask again a little later.</summary>
    public static KubeException TooLargeVersion(long wanted, long current) => KubeException.Of(
        504, "Timeout", $"Too large resource version: {wanted}, current: {current}", new V1StatusDetails
        {
            RetryAfterSeconds = 1,
            Causes = [new V1StatusCause { Reason = "ResourceVersionTooLarge", Message = "Too large resource version" }],
        });

    public static KubeException TooManyRequests(string message) => KubeException.Of(429, "TooManyRequests", message);

    /// <summary>A 429 that says when to come again.</summary>
    public static KubeException TooManyRequests(string message, int retryAfterSeconds) => KubeException.Of(
        429, "TooManyRequests", message, new V1StatusDetails { RetryAfterSeconds = retryAfterSeconds });

    /// <summary>A 403 for another cause than missing rights.</summary>
    public static KubeException Forbidden(ResourceType type, string name, string why) => KubeException.Of(
        403, "Forbidden", $"{type.GroupResource} {(name.Length > 0 ? $"\"{name}\" is" : "is")} forbidden: {why}", Details(type, name));

    /// <summary>A 403 for missing rights.</summary>
    public static KubeException Denied(KubeUser user, string verb, ResourceType type, string subresource, string ns, string name, string reason)
    {
        var resource = subresource.Length > 0 ? $"{type.Plural}/{subresource}" : type.Plural;
        var where = ns.Length > 0 ? $"in the namespace \"{ns}\"" : "at the cluster scope";
        var why = $"User \"{user.Name}\" cannot {verb} resource \"{resource}\" in API group \"{type.Group}\" {where}";
        return Forbidden(type, name, reason.StartsWith("RBAC:", StringComparison.Ordinal) ? $"{why}: {reason}" : why);
    }

    /// <summary>A 422 that lists what is wrong field by field.</summary>
    public static KubeException Invalid(ResourceType type, string name, IReadOnlyList<FieldError> errors)
    {
        var kind = type.Group.Length == 0 ? type.Kind : $"{type.Kind}.{type.Group}";
        var texts = errors.Select(e => e.Path.Length == 0 ? e.Detail : $"{e.Path}: {e.Detail}").Distinct().ToList();
        var details = new V1StatusDetails
        {
            Name = name,
            Group = type.Group.Length == 0 ? null : type.Group,
            Kind = type.Kind,
            Causes = [.. errors.Select(e => new V1StatusCause { Reason = e.Type, Message = e.Detail, Field = e.Path })],
        };
        var message = texts.Count == 1 ? texts[0] : $"[{string.Join(", ", texts)}]";
        return KubeException.Of(422, "Invalid", $"{kind} \"{name}\" is invalid: {message}", details);
    }

    private static V1StatusDetails Details(ResourceType type, string name) => new()
    {
        Name = name.Length == 0 ? null : name,
        Group = type.Group.Length == 0 ? null : type.Group,
        Kind = type.Plural,
    };
}
