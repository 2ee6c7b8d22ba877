using System.Globalization;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer.Http;

/// <summary>The API over HTTP: authenticates, finds out what a path means, and writes what the registry answers.</summary>
public sealed partial class ApiHttpApplication
{
    private readonly Authenticator _authenticator;
    private readonly ResourceEndpoints _resources;
    private readonly SystemEndpoints _system;
    private readonly PodConnections _connections;
    private readonly ILogger _logger;

    /// <param name="tokens">For the key set and the OpenID documents.</param>
    /// <param name="nodes">The way to logs, exec, attach and port-forward.</param>
    public ApiHttpApplication(
        IRegistry registry, Authenticator authenticator, IAuthorizer authorizer, ServiceAccountTokens tokens, INodeProxy nodes,
        ApiHttpOptions options, TimeProvider time, ILogger logger)
    {
        _authenticator = authenticator;
        _resources = new ResourceEndpoints(registry, options, time);
        _system = new SystemEndpoints(registry, authorizer, tokens, options);
        _connections = new PodConnections(nodes, authorizer, new RegistryLookup(() => registry));
        _logger = logger;
    }

    /// <summary>Answers one request, whatever happens: refusals and accidents become Status objects.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            var user = await AuthenticateAsync(context);
            await RouteAsync(context, user);
        }
        catch (KubeException refusal)
        {
            await AnswerAsync(context, refusal);
        }
        catch (BadHttpRequestException malformed)
        {
            await AnswerAsync(context, KubeException.Of(malformed.StatusCode, "BadRequest", malformed.Message));
        }
        catch (Exception e) when (e is OperationCanceledException or ConnectionAbortedException or IOException
            && context.RequestAborted.IsCancellationRequested)
        {
            Log.ClientLeft(_logger, context.Request.Method, context.Request.Path);
        }
        catch (Exception e)
        {
            Log.Accident(_logger, e, context.Request.Method, context.Request.Path);
            await AnswerAsync(context, KubeException.Of(500, "InternalError", $"Internal error occurred: {e.Message}"));
        }
    }

    private async Task<KubeUser> AuthenticateAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var credentials = new Credentials(
            context.Connection.ClientCertificate, headers.Authorization, context.Request.Path.Value ?? "",
            name => headers.TryGetValue(name, out var values) ? [.. values.Select(v => v ?? "")] : [], headers.Keys);
        return await _authenticator.AuthenticateAsync(credentials, context.RequestAborted);
    }

    private async Task RouteAsync(HttpContext context, KubeUser user)
    {
        var path = context.Request.Path.Value ?? "/";
        if (ApiRoute.Parse(path) is not { } route)
        {
            await _system.HandleAsync(context, path, user);
        }
        else if (PodConnections.Handles(route))
        {
            await _connections.HandleAsync(context, route, user);
        }
        else
        {
            await _resources.HandleAsync(context, route, user);
        }
    }

    private async Task AnswerAsync(HttpContext context, KubeException refusal)
    {
        if (context.Response.HasStarted)
        {
            Log.Late(_logger, context.Request.Path, refusal.Message);
            context.Abort();
            return;
        }

        if (refusal.Code == 401)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        context.Response.Clear();
        if (refusal.Status.Details?.RetryAfterSeconds is { } seconds and > 0)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        await Answers.StatusAsync(context, refusal.Status);
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Error, "{Method} {Path} failed")]
        public static partial void Accident(ILogger logger, Exception e, string method, string path);

        [LoggerMessage(3002, LogLevel.Debug, "{Method} {Path}: the client left")]
        public static partial void ClientLeft(ILogger logger, string method, string path);

        [LoggerMessage(3003, LogLevel.Warning, "{Path} failed after its answer began: {Reason}")]
        public static partial void Late(ILogger logger, string path, string reason);
    }
}
