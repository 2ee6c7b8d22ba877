using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Knet.ApiServer.Http;

/// <summary>Logs, exec, attach, port-forward and the proxies: checked here, carried by the node.</summary>
internal sealed class PodConnections(INodeProxy nodes, IAuthorizer authorizer, IObjectLookup lookup)
{
    private const string DefaultContainer = "kubectl.kubernetes.io/default-container";
    private static readonly ResourceType Pods = ResourceType.Of<V1Pod>();
    private static readonly ResourceType Nodes = ResourceType.Of<V1Node>();
    private static readonly ResourceType Services = ResourceType.Of<V1Service>();
    private readonly ProxyTargets _targets = new(lookup);

    /// <summary>Whether a subresource leads to a node.</summary>
    public static bool Handles(ApiRoute route) => route is { Group: "", Version: "v1", Name.Length: > 0 }
        && (route is { Resource: "pods", Subresource: "log" or "exec" or "attach" or "portforward" }
            || route is { Resource: "nodes" or "pods" or "services", Subresource: "proxy" });

    /// <exception cref="KubeException">403, 404, 400: not allowed, no such pod or container.</exception>
    public async Task HandleAsync(HttpContext context, ApiRoute route, KubeUser user)
    {
        Authorize(context, route, user);
        var http = context.Request;
        if (route.Subresource == "proxy")
        {
            await ProxyAsync(context, route);
            return;
        }

        var pod = (await lookup.FindAsync(Pods, route.Namespace, route.Name, context.RequestAborted)
            ?? throw Refusals.NotFound(Pods, route.Name)).As<V1Pod>();
        if (route.Subresource == "log")
        {
            LogOptions.Check(http, route.Name);
        }

        var container = route.Subresource == "portforward" ? "" : ContainerOf(pod, RequestOptions.Text(http, "container"));
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
        {
            if (route.Subresource == "log")
            {
                // Nothing has run yet, so there is nothing to show.
                context.Response.ContentType = "text/plain";
                return;
            }

            throw Refusals.BadRequest($"pod {route.Name} does not have a host assigned");
        }

        await nodes.ProxyAsync(context, pod.Spec.NodeName, NodePath(route, container, http), context.RequestAborted);
    }

    private async Task ProxyAsync(HttpContext context, ApiRoute route)
    {
        var (prefix, rest) = ApiRoute.SplitProxy(context.Features.Get<IHttpRequestFeature>()!.RawTarget, route.Resource == "nodes" ? 5 : 7);
        if (route.Resource == "nodes")
        {
            _ = await lookup.FindAsync(Nodes, "", route.Name, context.RequestAborted) ?? throw Refusals.NotFound(Nodes, route.Name);
            await nodes.ProxyAsync(context, route.Name, rest.StartsWith('/') ? rest : "/" + rest, context.RequestAborted);
            return;
        }

        var target = await _targets.FindAsync(route, context.RequestAborted);
        if (!rest.StartsWith('/') && context.Request.Method is "GET" or "HEAD")
        {
            // Relative links of the page must lead below it.
            context.Response.StatusCode = 301;
            context.Response.Headers.Location = $"{prefix}/{rest}";
            return;
        }

        await nodes.ForwardAsync(context, target, rest.StartsWith('/') ? rest : "/" + rest, prefix, context.RequestAborted);
    }

    /// <summary>The kubelet's path and query for a connection to a pod.</summary>
    internal static string NodePath(ApiRoute route, string container, HttpRequest http)
    {
        var pod = $"{Uri.EscapeDataString(route.Namespace)}/{Uri.EscapeDataString(route.Name)}";
        var query = new StringBuilder();
        void Add(string name, string value) =>
            query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));

        switch (route.Subresource)
        {
            case "log":
                foreach (var name in new[] { "follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream" })
                {
                    if (RequestOptions.Text(http, name) is { Length: > 0 } value)
                    {
                        Add(name, value);
                    }
                }

                return $"/containerLogs/{pod}/{container}{query}";
            case "portforward":
                foreach (var ports in http.Query["ports"])
                {
                    Add("ports", ports ?? "");
                }

                return $"/portForward/{pod}{query}";
            default:
                // The kubelet's names differ from the API's.
                foreach (var (name, kubelet) in new[] { ("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty") })
                {
                    if (RequestOptions.Flag(http, name))
                    {
                        Add(kubelet, "1");
                    }
                }

                foreach (var word in route.Subresource == "exec" ? http.Query["command"] : [])
                {
                    Add("command", word ?? "");
                }

                return $"/{route.Subresource}/{pod}/{container}{query}";
        }
    }

    /// <summary>The container asked for, or the one that is meant when none is named.</summary>
    /// <exception cref="KubeException">400: no such container, or several to choose from.</exception>
    internal static string ContainerOf(V1Pod pod, string? wanted)
    {
        var names = pod.Spec.Containers.Select(c => c.Name).ToList();
        var inits = (pod.Spec.InitContainers ?? []).Select(c => c.Name).ToList();
        var others = (pod.Spec.EphemeralContainers ?? []).Select(c => c.Name).ToList();
        if (!string.IsNullOrEmpty(wanted))
        {
            return names.Concat(inits).Concat(others).Contains(wanted)
                ? wanted
                : throw Refusals.BadRequest($"container {wanted} is not valid for pod {pod.Metadata.Name}");
        }

        if (pod.Metadata.Annotations?.TryGetValue(DefaultContainer, out var marked) == true && names.Contains(marked))
        {
            return marked;
        }

        if (names.Count == 1)
        {
            return names[0];
        }

        var or = inits.Count > 0 ? $" or one of the init containers: [{string.Join(' ', inits)}]" : "";
        throw Refusals.BadRequest(
            $"a container name must be specified for pod {pod.Metadata.Name}, choose one of: [{string.Join(' ', names)}]{or}");
    }

    private void Authorize(HttpContext context, ApiRoute route, KubeUser user)
    {
        var type = route.Resource switch { "nodes" => Nodes, "services" => Services, _ => Pods };
        var verb = context.Request.Method switch { "POST" => "create", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "get" };
        var (allowed, reason) = authorizer.Authorize(user, new(verb, "", type.Plural, route.Subresource, route.Namespace, route.Name));
        if (!allowed)
        {
            throw Refusals.Denied(user, verb, type, route.Subresource, route.Namespace, route.Name, reason);
        }
    }
}
