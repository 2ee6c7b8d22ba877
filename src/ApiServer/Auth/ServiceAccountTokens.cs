using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Knet.ApiServer.Auth;

/// <summary>The object a token lives and dies with: usually the pod it was made for.</summary>
public sealed record BoundObject(string Kind, string Name, string Uid);

/// <summary>A token and its end.</summary>
public sealed record IssuedToken(string Token, DateTime ExpiresAt);

/// <summary>What a good token says.</summary>
public sealed record VerifiedToken(KubeUser User, IReadOnlyList<string> Audiences);

/// <summary>Service-account tokens: ES256 JSON web tokens with Kubernetes' claims.</summary>
/// <param name="key">Signs and verifies.</param>
/// <param name="issuer">The <c>iss</c> claim and the default audience.</param>
/// <param name="lookup">Finds the account and the bound object, without which a token is worthless.</param>
public sealed class ServiceAccountTokens(ECDsa key, string issuer, IObjectLookup lookup, TimeProvider time)
{
    public const string DefaultIssuer = "https://kubernetes.default.svc.cluster.local";

    /// <summary>Shortest and longest life of a token, as in Kubernetes.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1L << 32);

    private static readonly ResourceType Accounts = ResourceType.Of<V1ServiceAccount>();
    private static readonly ResourceType Pods = ResourceType.Of<V1Pod>();
    private static readonly ResourceType Secrets = ResourceType.Of<V1Secret>();
    private static readonly ResourceType Nodes = ResourceType.Of<V1Node>();

    private readonly ECDsaSecurityKey _key = new(key) { KeyId = KeyId(key) };
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    public string Issuer { get; } = issuer;

    /// <summary>Makes a token. Whether the account and the bound object exist is the caller's to check.</summary>
    /// <param name="audiences">Empty: the API itself.</param>
    /// <param name="lifetime">Kept between ten minutes and 2³² seconds.</param>
    public IssuedToken Issue(
        string ns, string account, string accountUid, IReadOnlyList<string> audiences, TimeSpan lifetime, BoundObject? bound)
    {
        var now = time.GetUtcNow();
        var kept = lifetime < Shortest ? Shortest : lifetime > Longest ? Longest : lifetime;
        var end = DateTimeOffset.FromUnixTimeSeconds((now + kept).ToUnixTimeSeconds());
        var kubernetes = new JsonObject { ["namespace"] = ns };
        if (bound is not null)
        {
            kubernetes[bound.Kind.ToLowerInvariant()] = new JsonObject { ["name"] = bound.Name, ["uid"] = bound.Uid };
        }

        kubernetes["serviceaccount"] = new JsonObject { ["name"] = account, ["uid"] = accountUid };
        var payload = new JsonObject
        {
            ["aud"] = new JsonArray([.. (audiences.Count > 0 ? audiences : [Issuer]).Select(a => (JsonNode)a)]),
            ["exp"] = end.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = kubernetes,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{ns}:{account}",
        };
        var token = _handler.CreateToken(payload.ToJsonString(), new SigningCredentials(_key, SecurityAlgorithms.EcdsaSha256));
        return new(token, end.UtcDateTime);
    }

    /// <summary>Checks signature, issuer, time, audience, and that account and bound object still exist.</summary>
    /// <param name="audiences">Of which the token must name one; empty: the API itself.</param>
    /// <returns>What the token says, or why it is refused.</returns>
    public async Task<(VerifiedToken? Token, string? Problem)> VerifyAsync(
        string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken)
    {
        var accepted = audiences.Count > 0 ? audiences : [Issuer];
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudiences = accepted,
            IssuerSigningKey = _key,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            LifetimeValidator = (from, until, _, _) => IsNow(from, until),
        });
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt)
        {
            return (null, Explain(token, result.Exception, accepted));
        }

        if (!jwt.TryGetPayloadValue<JsonElement>("kubernetes.io", out var claims))
        {
            return (null, "the token has no kubernetes.io claims");
        }

        return await CheckObjectsAsync(jwt, claims, [.. jwt.Audiences.Intersect(accepted)], cancellationToken);
    }

    /// <summary>The public key as a JSON web key set: <c>/openid/v1/jwks</c>.</summary>
    public JsonObject KeySet()
    {
        var point = key.ExportParameters(false).Q;
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["use"] = "sig", ["kty"] = "EC", ["kid"] = _key.KeyId, ["crv"] = "P-256", ["alg"] = "ES256",
                ["x"] = Base64UrlEncoder.Encode(point.X), ["y"] = Base64UrlEncoder.Encode(point.Y),
            }),
        };
    }

    /// <summary>The discovery document: <c>/.well-known/openid-configuration</c>.</summary>
    public JsonObject OpenIdConfiguration() => new()
    {
        ["issuer"] = Issuer,
        ["jwks_uri"] = $"{Issuer}/openid/v1/jwks",
        ["response_types_supported"] = new JsonArray("id_token"),
        ["subject_types_supported"] = new JsonArray("public"),
        ["id_token_signing_alg_values_supported"] = new JsonArray("ES256"),
    };

    private async Task<(VerifiedToken? Token, string? Problem)> CheckObjectsAsync(
        JsonWebToken jwt, JsonElement claims, string[] audiences, CancellationToken cancellationToken)
    {
        var ns = claims.TryGetProperty("namespace", out var value) ? value.GetString() ?? "" : "";
        if (Reference(claims, "serviceaccount") is not { } account)
        {
            return (null, "the token names no service account");
        }

        var found = await lookup.FindAsync(Accounts, ns, account.Name, cancellationToken);
        if (found is null || found.Metadata.Uid != account.Uid)
        {
            return (null, $"service account {ns}/{account.Name} has been deleted");
        }

        var extra = new Dictionary<string, IReadOnlyList<string>> { ["authentication.kubernetes.io/credential-id"] = [$"JTI={jwt.Id}"] };
        foreach (var (claim, type) in new[] { ("pod", Pods), ("secret", Secrets), ("node", Nodes) })
        {
            if (Reference(claims, claim) is not { } bound)
            {
                continue;
            }

            var exists = await lookup.FindAsync(type, type.Namespaced ? ns : "", bound.Name, cancellationToken);
            if (exists is null || exists.Metadata.Uid != bound.Uid)
            {
                return (null, $"{claim} {ns}/{bound.Name} has been deleted");
            }

            extra[$"authentication.kubernetes.io/{claim}-name"] = [bound.Name];
            extra[$"authentication.kubernetes.io/{claim}-uid"] = [bound.Uid];
        }

        return (new(KubeUser.ServiceAccount(ns, account.Name) with { Uid = account.Uid, Extra = extra }, audiences), null);
    }

    private string Explain(string token, Exception? problem, IReadOnlyList<string> accepted)
    {
        if (!_handler.CanReadToken(token))
        {
            return "it is no JSON web token";
        }

        var jwt = _handler.ReadJsonWebToken(token);
        return problem switch
        {
            _ when jwt.Alg != SecurityAlgorithms.EcdsaSha256 => $"it is signed with {jwt.Alg}; this cluster signs and accepts ES256 only",
            SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException => "service account token has expired or is not valid yet",
            SecurityTokenInvalidIssuerException => $"it was issued by \"{jwt.Issuer}\", not by this cluster (\"{Issuer}\")",
            SecurityTokenInvalidAudienceException =>
                $"token audiences {Quoted(jwt.Audiences)} is invalid for the target audiences {Quoted(accepted)}",
            SecurityTokenInvalidSignatureException => "its signature was not made with this cluster's key",
            _ => problem?.Message ?? "it is not valid",
        };

        static string Quoted(IEnumerable<string> texts) => $"[{string.Join(' ', texts.Select(t => $"\"{t}\""))}]";
    }

    private static (string Name, string Uid)? Reference(JsonElement claims, string kind) =>
        claims.TryGetProperty(kind, out var reference) && reference.TryGetProperty("name", out var name)
            && reference.TryGetProperty("uid", out var uid)
            ? (name.GetString() ?? "", uid.GetString() ?? "")
            : null;

    private bool IsNow(DateTime? from, DateTime? until)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return until > now && (from is null || from <= now + TimeSpan.FromSeconds(10));
    }

    private static string KeyId(ECDsa key) => Base64UrlEncoder.Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
}
