using Knet.Kube.Admission;

namespace Knet.ApiServer.Auth;

/// <summary>What a request wants to do, as RBAC sees it.</summary>
/// <param name="Verb">Kubernetes' verb: get, list, watch, create, update, patch, delete, deletecollection, impersonate, bind, escalate …</param>
/// <param name="NonResourcePath">Set instead of the resource members for paths such as <c>/metrics</c>.</param>
public sealed record AccessAttributes(
    string Verb, string Group, string Resource, string Subresource, string Namespace, string Name, string? NonResourcePath = null);

/// <summary>Decides whether a user may do something.</summary>
public interface IAuthorizer
{
    /// <summary>Whether it is allowed, and the rule or the lack of one in words.</summary>
    (bool Allowed, string Reason) Authorize(KubeUser user, AccessAttributes attributes);
}
