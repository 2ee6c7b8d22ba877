using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>
/// The kinds that are answered and never stored: access and token reviews, and tokens of service accounts. The registry calls this
/// after authorisation, so that callers in the process and over HTTP get the same.
/// </summary>
public sealed class VirtualKinds(RbacAuthorizer authorizer, ServiceAccountTokens tokens, IObjectLookup lookup)
{
    private static readonly ResourceType Accounts = ResourceType.Of<V1ServiceAccount>();

    /// <summary>The answer, or null when the request is for another kind.</summary>
    /// <exception cref="KubeException">400: the body is malformed; 404 or 409: the account or bound object is missing or another.</exception>
    public async Task<KubeDocument?> HandleAsync(KubeRequest request, KubeUser user)
    {
        if (request.Verb != KubeVerb.Create)
        {
            return null;
        }

        return (request.Type.Group, request.Type.Plural, request.Subresource) switch
        {
            ("authorization.k8s.io", "selfsubjectaccessreviews", "") => SelfAccess(request, user),
            ("authorization.k8s.io", "subjectaccessreviews", "") => Access(request),
            ("authorization.k8s.io", "localsubjectaccessreviews", "") => LocalAccess(request),
            ("authorization.k8s.io", "selfsubjectrulesreviews", "") => SelfRules(request, user),
            ("authentication.k8s.io", "selfsubjectreviews", "") => Self(request, user),
            ("authentication.k8s.io", "tokenreviews", "") => await ReviewTokenAsync(request),
            ("", "serviceaccounts", "token") => await IssueTokenAsync(request),
            _ => null,
        };
    }

    private KubeDocument SelfAccess(KubeRequest request, KubeUser user)
    {
        var review = Read<V1SelfSubjectAccessReview>(request);
        review.Status = Decide(user, review.Spec?.ResourceAttributes, review.Spec?.NonResourceAttributes);
        return KubeDocument.From(review);
    }

    private KubeDocument Access(KubeRequest request)
    {
        var review = Read<V1SubjectAccessReview>(request);
        review.Status = Decide(Subject(review.Spec), review.Spec?.ResourceAttributes, review.Spec?.NonResourceAttributes);
        return KubeDocument.From(review);
    }

    private KubeDocument LocalAccess(KubeRequest request)
    {
        var review = Read<V1LocalSubjectAccessReview>(request);
        if (review.Spec?.ResourceAttributes?.NamespaceProperty is { } ns && ns != request.Namespace)
        {
            throw Bad($"spec.resourceAttributes.namespace must match metadata.namespace: {request.Namespace}");
        }

        review.Status = Decide(Subject(review.Spec), review.Spec?.ResourceAttributes, review.Spec?.NonResourceAttributes);
        return KubeDocument.From(review);
    }

    private KubeDocument SelfRules(KubeRequest request, KubeUser user)
    {
        var review = Read<V1SelfSubjectRulesReview>(request);
        var rules = authorizer.RulesFor(user, review.Spec?.NamespaceProperty ?? "");
        review.Status = new V1SubjectRulesReviewStatus
        {
            Incomplete = false,
            ResourceRules =
            [
                .. rules.Where(r => r.Resources is { Count: > 0 }).Select(r => new V1ResourceRule
                {
                    ApiGroups = r.ApiGroups, Resources = r.Resources, ResourceNames = r.ResourceNames, Verbs = r.Verbs,
                }),
            ],
            NonResourceRules =
            [
                .. rules.Where(r => r.NonResourceURLs is { Count: > 0 }).Select(r => new V1NonResourceRule
                {
                    NonResourceURLs = r.NonResourceURLs, Verbs = r.Verbs,
                }),
            ],
        };
        return KubeDocument.From(review);
    }

    private static KubeDocument Self(KubeRequest request, KubeUser user)
    {
        var review = Read<V1SelfSubjectReview>(request);
        review.Status = new V1SelfSubjectReviewStatus { UserInfo = Info(user) };
        return KubeDocument.From(review);
    }

    private async Task<KubeDocument> ReviewTokenAsync(KubeRequest request)
    {
        var review = Read<V1TokenReview>(request);
        if (string.IsNullOrEmpty(review.Spec?.Token))
        {
            throw Bad("token is required for TokenReview in authentication");
        }

        IReadOnlyList<string> audiences = [.. review.Spec.Audiences ?? []];
        var (token, problem) = await tokens.VerifyAsync(review.Spec.Token, audiences, CancellationToken.None);
        review.Status = token is null
            ? new V1TokenReviewStatus { Error = $"[invalid bearer token, {problem}]" }
            : new V1TokenReviewStatus
            {
                Authenticated = true,
                Audiences = [.. token.Audiences],
                User = Info(token.User),
            };
        return KubeDocument.From(review);
    }

    private async Task<KubeDocument> IssueTokenAsync(KubeRequest request)
    {
        var review = Read<Authenticationv1TokenRequest>(request);
        var account = await lookup.FindAsync(Accounts, request.Namespace, request.Name, CancellationToken.None)
            ?? throw KubeException.Of(
                404, "NotFound", $"serviceaccounts \"{request.Name}\" not found",
                new V1StatusDetails { Name = request.Name, Kind = "serviceaccounts" });
        var seconds = review.Spec?.ExpirationSeconds ?? 3600;
        if (seconds < 600)
        {
            throw KubeException.Of(
                422, "Invalid", $"TokenRequest.authentication.k8s.io \"{request.Name}\" is invalid: spec.expirationSeconds: Invalid value: "
                    + $"{seconds}: may not specify a duration less than 10 minutes");
        }

        var bound = await FindBoundAsync(request, review.Spec?.BoundObjectRef);
        var issued = tokens.Issue(
            request.Namespace, request.Name, account.Metadata.Uid ?? "", [.. review.Spec?.Audiences ?? []], TimeSpan.FromSeconds(seconds), bound);
        review.Spec = (review.Spec ?? new V1TokenRequestSpec()) with
        {
            Audiences = review.Spec?.Audiences is { Count: > 0 } named ? named : [tokens.Issuer],
            ExpirationSeconds = seconds,
        };
        review.Metadata = new V1ObjectMeta { Name = request.Name, NamespaceProperty = request.Namespace };
        review.Status = new V1TokenRequestStatus { Token = issued.Token, ExpirationTimestamp = issued.ExpiresAt };
        return KubeDocument.From(review);
    }

    private async Task<BoundObject?> FindBoundAsync(KubeRequest request, V1BoundObjectReference? reference)
    {
        if (reference is null)
        {
            return null;
        }

        var type = reference.Kind switch
        {
            "Pod" => ResourceType.Of<V1Pod>(),
            "Secret" => ResourceType.Of<V1Secret>(),
            "Node" => ResourceType.Of<V1Node>(),
            _ => throw Bad($"cannot bind token for serviceaccount \"{request.Name}\" to object of kind \"{reference.Kind}\""),
        };
        var found = await lookup.FindAsync(type, type.Namespaced ? request.Namespace : "", reference.Name ?? "", CancellationToken.None)
            ?? throw KubeException.Of(404, "NotFound", $"{type.Plural} \"{reference.Name}\" not found");
        if (reference.Uid is { Length: > 0 } uid && uid != found.Metadata.Uid)
        {
            throw KubeException.Of(
                409, "Conflict", $"Operation cannot be fulfilled on {type.Plural} \"{reference.Name}\": the UID in the bound object reference "
                    + $"({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }

        return new(reference.Kind, reference.Name!, found.Metadata.Uid ?? "");
    }

    private V1SubjectAccessReviewStatus Decide(KubeUser user, V1ResourceAttributes? resource, V1NonResourceAttributes? path)
    {
        var attributes = (resource, path) switch
        {
            ({ } r, null) => new AccessAttributes(
                r.Verb ?? "", r.Group ?? "", r.Resource ?? "", r.Subresource ?? "", r.NamespaceProperty ?? "", r.Name ?? ""),
            (null, { } p) => new AccessAttributes(p.Verb ?? "", "", "", "", "", "", p.Path ?? ""),
            _ => throw Bad("exactly one of nonResourceAttributes or resourceAttributes must be specified"),
        };
        var (allowed, reason) = authorizer.Authorize(user, attributes);
        return new V1SubjectAccessReviewStatus { Allowed = allowed, Reason = reason.Length == 0 ? null : reason };
    }

    private static KubeUser Subject(V1SubjectAccessReviewSpec? spec) => string.IsNullOrEmpty(spec?.User) && spec?.Groups is not { Count: > 0 }
        ? throw Bad("at least one of user or group must be specified")
        : new KubeUser(spec.User ?? "", [.. spec.Groups ?? []], spec.Uid ?? "");

    private static V1UserInfo Info(KubeUser user) =>
        new()
        {
            Username = user.Name,
            Groups = [.. user.Groups],
            Uid = user.Uid.Length == 0 ? null : user.Uid,
            Extra = user.Extra.Count == 0 ? null : user.Extra.ToDictionary(e => e.Key, e => (IList<string>)[.. e.Value]),
        };

    private static T Read<T>(KubeRequest request) where T : class
    {
        try
        {
            return KubeJson.Deserialize<T>(request.Body.Span);
        }
        catch (JsonException e)
        {
            throw Bad($"the body is no {typeof(T).Name}: {e.Message}");
        }
    }

    private static KubeException Bad(string message) => KubeException.Of(400, "BadRequest", message);
}
