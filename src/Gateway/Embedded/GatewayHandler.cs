using System.Collections.Immutable;
using Knet.Api.Serving;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Probing;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Routing;
using Knet.Gateway.Tls.Acme;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Knet.Gateway.Embedded;

/// <summary>
/// What happens to a request, from top to bottom: a port of a pod, a route of its host, or (for pods) a Revision by name; a probe is
/// answered, anything else forwarded.
/// </summary>
/// <remarks>Hot: until something has to be awaited nothing is allocated.</remarks>
internal sealed class GatewayHandler(
    RuleBook rules, RevisionStates revisions, RequestForwarder forwarder, GatewayOptions options, ChallengeBook challenges,
    Func<int> httpsPort)
{
    private const string Activator = "activator";
    private const int HopsMax = 4;

    private readonly PodPortHandler _pods = new(revisions, forwarder);
    private readonly string _serviceSuffix = $".svc.{options.ClusterDomain}";

    public Task HandleAsync(HttpContext context)
    {
        var entry = context.Features.GetRequiredFeature<EntryPoint>();
        if (entry.Kind == EntryKind.Pod)
        {
            return _pods.HandleAsync(context, entry);
        }

        // "OPTIONS *" asks about the server as a whole, which is this one.
        if (context.Request.Method == HttpMethods.Options && context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget == "*")
        {
            return Task.CompletedTask;
        }

        if (entry is { Kind: EntryKind.External, Tls: false } && challenges.Find(context.Request.Path.Value ?? "") is { } answer)
        {
            return Answers.TextAsync(context, StatusCodes.Status200OK, answer);
        }

        var host = context.Request.Headers.Host;
        var table = entry.Kind == EntryKind.External ? rules.External : rules.Internal;
        return Route(context, table, host.Count > 0 ? host[0] : null, entry);
    }

    private Task Route(HttpContext context, RouteTable table, string? host, EntryPoint entry)
    {
        string? rewritten = null;
        for (var hop = 0; hop < HopsMax; hop++)
        {
            var route = table.Find(host);
            if (route is null)
            {
                return entry.Kind == EntryKind.Internal ? RouteByName(context, host) : NotFound(context, host);
            }

            if (NetworkProbe.Of(context) is { } probe)
            {
                return NetworkProbe.AnswerAsync(context, probe, Activator, route.Hash);
            }

            if (route.Redirect && entry is { Kind: EntryKind.External, Tls: false })
            {
                return RedirectToHttps(context, host);
            }

            var headers = context.Request.Headers;
            var path = route.Match(context.Request.Path.Value ?? "/", headers);
            var split = path?.Choose(path.Splits.Count > 1 ? Random.Shared.Next() : 0);
            if (split is null)
            {
                return NotFound(context, host);
            }

            Set(headers, path!.SetHeaders);
            Set(headers, split.SetHeaders);
            rewritten = path.RewriteHost ?? rewritten;
            switch (split.Backend)
            {
                case RevisionBackend backend:
                    return forwarder.ForwardAsync(context, backend.Revision, host: rewritten);
                case AddressBackend backend:
                    return forwarder.ForwardAsync(context, backend, rewritten);
                case HostBackend backend:
                    // An alias of the gateway is asked as pods ask it: under its own host, with all routes open.
                    (table, host, rewritten) = (rules.Internal, backend.Host, backend.Host);
                    break;
            }
        }

        return Answers.TextAsync(context, StatusCodes.Status508LoopDetected, $"the routes of host \"{host}\" lead in a circle");
    }

    /// <summary>The activator's role: a Revision by header, or by the name of its Service.</summary>
    private Task RouteByName(HttpContext context, string? host)
    {
        var headers = context.Request.Headers;
        var (ns, name) = (headers[KnHeaders.Namespace].ToString(), headers[KnHeaders.Revision].ToString());
        if (ns.Length == 0 || name.Length == 0)
        {
            (ns, name) = ByService(RouteTable.HostOf(host));
        }

        var revision = name.Length == 0 ? null : revisions.Find(ns, name);
        if (NetworkProbe.Of(context) is { } probe)
        {
            return NetworkProbe.AnswerAsync(context, probe, Activator, null);
        }

        if (revision is not null)
        {
            return forwarder.ForwardAsync(context, revision);
        }

        return name.Length == 0
            ? NotFound(context, host)
            : Answers.TextAsync(
                context, StatusCodes.Status404NotFound,
                $"Error getting active endpoint: revision.serving.knative.dev \"{name}\" not found in namespace \"{ns}\"");
    }

    private (string Namespace, string Name) ByService(ReadOnlySpan<char> host)
    {
        if (!host.EndsWith(_serviceSuffix, StringComparison.OrdinalIgnoreCase))
        {
            return ("", "");
        }

        host = host[..^_serviceSuffix.Length];
        var dot = host.IndexOf('.');
        return dot <= 0 || host[(dot + 1)..].Contains('.') ? ("", "") : (host[(dot + 1)..].ToString(), host[..dot].ToString());
    }

    private static void Set(IHeaderDictionary headers, ImmutableArray<HeaderRule> rules)
    {
        foreach (var rule in rules)
        {
            headers[rule.Name] = rule.Value;
        }
    }

    private static Task NotFound(HttpContext context, string? host) =>
        Answers.TextAsync(context, StatusCodes.Status404NotFound, $"no route for host \"{host}\" here\n");

    private Task RedirectToHttps(HttpContext context, string? host)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        context.Response.StatusCode = StatusCodes.Status301MovedPermanently;
        var port = httpsPort() is 443 ? "" : $":{httpsPort()}";
        context.Response.Headers.Location = $"https://{RouteTable.HostOf(host)}{port}{(target.StartsWith('/') ? target : "/")}";
        return Task.CompletedTask;
    }
}
