using System.Text;
using System.Text.Json.Nodes;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Http.Discovery;
using Knet.ApiServer.Http.OpenApi;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>Everything that is no resource: discovery, OpenAPI, health, version, keys, and the paths others added.</summary>
internal sealed class SystemEndpoints(IRegistry registry, IAuthorizer authorizer, ServiceAccountTokens tokens, ApiHttpOptions options)
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    private readonly OpenApiDocuments _openApi = new(options.GitVersion);

    /// <exception cref="KubeException">403 or 404.</exception>
    public async Task HandleAsync(HttpContext context, string path, KubeUser user)
    {
        Authorize(context, path, user);
        if (options.ExtraPaths.TryGetValue(path, out var extra))
        {
            await extra(context);
            return;
        }

        if (context.Request.Method is not ("GET" or "HEAD"))
        {
            throw Refusals.MethodNotAllowed(context.Request.Method);
        }

        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        await (parts switch
        {
            [] => Answers.JsonAsync(context, 200, Paths()),
            ["healthz" or "livez", ..] => Answers.TextAsync(context, 200, "ok"),
            ["readyz", ..] => options.IsReady() ? Answers.TextAsync(context, 200, "ok") : Answers.TextAsync(context, 500, "not ready"),
            ["version"] => Answers.JsonAsync(context, 200, Version()),
            ["api" or "apis", ..] => DiscoverAsync(context, parts),
            ["openapi", ..] => OpenApiAsync(context, parts),
            [".well-known", "openid-configuration"] => Answers.JsonAsync(context, 200, Encode(tokens.OpenIdConfiguration())),
            ["openid", "v1", "jwks"] => Answers.BytesAsync(context, 200, "application/jwk-set+json", Encode(tokens.KeySet())),
            _ => throw NotFound(),
        });
    }

    private void Authorize(HttpContext context, string path, KubeUser user)
    {
        if (Authenticator.IsOpen(path))
        {
            return;
        }

        var verb = context.Request.Method.ToLowerInvariant();
        var trimmed = path.Length > 1 ? path.TrimEnd('/') : path;
        var (allowed, reason) = authorizer.Authorize(user, new(verb == "head" ? "get" : verb, "", "", "", "", "", trimmed));
        if (!allowed)
        {
            var why = reason.Length == 0 ? "" : $": {reason}";
            throw KubeException.Of(403, "Forbidden", $"forbidden: User \"{user.Name}\" cannot {verb} path \"{trimmed}\"{why}");
        }
    }

    private async Task DiscoverAsync(HttpContext context, string[] parts)
    {
        var documents = DiscoveryDocuments.For(registry.Kinds);
        var aggregated = parts.Length == 1 && WantsAggregated(context);
        ReadOnlyMemory<byte>? found = parts switch
        {
            ["api"] => aggregated ? documents.AggregatedCore : documents.Core,
            ["apis"] => aggregated ? documents.AggregatedGroups : documents.GroupList,
            ["api", var version] => documents.Resources("", version),
            ["apis", var group] => documents.Group(group),
            ["apis", var group, var version] => documents.Resources(group, version),
            _ => null,
        };
        var document = found ?? throw NotFound();
        var tag = DiscoveryDocuments.Tag(document);
        context.Response.Headers.ETag = tag;
        context.Response.Headers.Vary = "Accept";
        context.Response.Headers.CacheControl = "public";
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(tag, StringComparison.Ordinal))
        {
            context.Response.StatusCode = 304;
            return;
        }

        await Answers.BytesAsync(context, 200, aggregated ? Aggregated : "application/json", document);
    }

    private static bool WantsAggregated(HttpContext context)
    {
        foreach (var range in MediaRange.Parse(context.Request.Headers.Accept))
        {
            if (range["as"] == "APIGroupDiscoveryList" && range["v"] == "v2")
            {
                return true;
            }

            if (range.Type is "application/json" or "*/*" && range["as"] is null)
            {
                return false;
            }
        }

        return false;
    }

    private async Task OpenApiAsync(HttpContext context, string[] parts)
    {
        var protobuf = WantsProtobuf(context) && parts is ["openapi", "v2"];
        var catalog = registry.Kinds;
        var document = parts switch
        {
            ["openapi", "v3"] => _openApi.Index(catalog),
            ["openapi", "v3", "api", var version] => _openApi.V3(catalog, "", version),
            ["openapi", "v3", "apis", var group, var version] => _openApi.V3(catalog, group, version),
            ["openapi", "v2"] => protobuf ? _openApi.V2Protobuf(catalog) : _openApi.V2(catalog),
            _ => null,
        };
        if (document is null)
        {
            throw NotFound();
        }

        var headers = context.Response.Headers;
        headers.ETag = $"\"{document.Hash}\"";
        headers.Vary = "Accept";
        if (RequestOptions.Text(context.Request, "hash") == document.Hash)
        {
            // The address names the content, so it never changes.
            headers.CacheControl = "public, immutable";
            headers.Expires = "Fri, 01 Jan 2100 00:00:00 GMT";
        }
        else
        {
            headers.CacheControl = "no-cache, private";
        }

        if (context.Request.Headers.IfNoneMatch.ToString().Contains(document.Hash, StringComparison.Ordinal))
        {
            context.Response.StatusCode = 304;
            return;
        }

        await Answers.BytesAsync(context, 200, protobuf ? OpenApiProtobuf.AnswerType : "application/json", document.Content());
    }

    /// <summary>Whether protobuf is what the client would rather have.</summary>
    /// <exception cref="KubeException">406: neither will do.</exception>
    private static bool WantsProtobuf(HttpContext context)
    {
        foreach (var range in MediaRange.Parse(context.Request.Headers.Accept))
        {
            switch (range.Type)
            {
                case OpenApiProtobuf.MediaType or OpenApiProtobuf.AnswerType:
                    return true;
                case "application/json" or "*/*" or "application/*":
                    return false;
            }
        }

        throw KubeException.Of(
            406, "NotAcceptable", $"only the following media types are accepted: application/json, {OpenApiProtobuf.MediaType}");
    }

    private ReadOnlyMemory<byte> Version() => Encode(new JsonObject
    {
        ["major"] = "1",
        ["minor"] = "35",
        ["gitVersion"] = options.GitVersion,
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "",
        ["compiler"] = $"dotnet {Environment.Version}",
        ["platform"] = "linux/" + (System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture
            == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64"),
    });

    private ReadOnlyMemory<byte> Paths()
    {
        var kinds = registry.Kinds.All.Select(k => k.Type).ToList();
        var paths = new SortedSet<string>(StringComparer.Ordinal)
        {
            "/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version",
            "/.well-known/openid-configuration", "/openid/v1/jwks",
        };
        paths.UnionWith(options.ExtraPaths.Keys);
        paths.UnionWith(kinds.Where(k => k.Group.Length > 0).SelectMany(k => new[] { $"/apis/{k.Group}", $"/apis/{k.Group}/{k.Version}" }));
        return Encode(new JsonObject { ["paths"] = new JsonArray([.. paths.Select(p => (JsonNode)p)]) });
    }

    private static ReadOnlyMemory<byte> Encode(JsonObject value) => Encoding.UTF8.GetBytes(value.ToJsonString(Api.Meta.KubeJson.Options));

    private static KubeException NotFound() => Refusals.NotServed();
}
