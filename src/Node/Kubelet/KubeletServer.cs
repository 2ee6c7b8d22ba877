using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Knet.Api.Meta;
using Knet.Node.Agent;
using Knet.Node.Logs;
using Knet.Node.Pods;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Kubelet;

/// <summary>How the node's own API is served.</summary>
public sealed record KubeletOptions
{
    /// <summary>What callers must show as a bearer token: a secret between the API server and the node.</summary>
    public required string Token { get; init; }

    /// <summary>The server's certificate; null serves plain HTTP, which is enough on loopback.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Port on loopback; 0 takes a free one.</summary>
    public int Port { get; init; }
}

/// <summary>
/// The node's own API, as kubelet has it: logs, exec, attach, port-forward, pods and statistics. On loopback only; the API server hands
/// users' requests on after it has checked their rights.
/// </summary>
public sealed class KubeletServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly NodeAgent _agent;

    private KubeletServer(WebApplication app, NodeAgent agent) => (_app, _agent) = (app, agent);

    /// <summary>The base address, such as <c>http://127.0.0.1:40123</c>.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Starts serving and tells the agent its port.</summary>
    public static async Task<KubeletServer> StartAsync(NodeAgent agent, KubeletOptions options, CancellationToken cancellationToken)
    {
        // Empty: a host with its usual parts would watch the files below the current directory, which takes seconds.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(agent.Services.Loggers).AddLogging().AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (options.Certificate is { } certificate)
                {
                    listen.UseHttps(certificate);
                }
            });
        });
        var app = builder.Build();
        var server = new KubeletServer(app, agent);
        app.Use((context, next) => IsAuthorized(context, options.Token) ? next(context) : Refuse(context, 401, "Unauthorized"));
        app.UseWebSockets();
        server.Map(app);
        await app.StartAsync(cancellationToken);
        agent.KubeletPort = server.Address.Port;
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private void Map(IEndpointRouteBuilder routes)
    {
        var node = _agent.Services;
        var streams = new StreamEndpoints(_agent.Pods, node);
        routes.MapGet("/healthz", (RequestDelegate)(context => context.Response.WriteAsync("ok")));
        routes.MapGet("/pods", (RequestDelegate)WritePodsAsync);
        routes.MapGet("/stats/summary", (RequestDelegate)(context =>
            WriteJsonAsync(context, StatsSummary.Of(node.Options.Name, _agent.Pods.All, node.Cgroups, node.Now))));
        routes.MapGet("/containerLogs/{ns}/{pod}/{container}", (RequestDelegate)LogsAsync);
        routes.Map("/exec/{ns}/{pod}/{container}", (RequestDelegate)streams.ExecAsync);
        routes.Map("/attach/{ns}/{pod}/{container}", (RequestDelegate)streams.AttachAsync);
        routes.Map("/portForward/{ns}/{pod}", (RequestDelegate)new PortForwardEndpoint(_agent.Pods, node).HandleAsync);
    }

    private Task WritePodsAsync(HttpContext context) => WriteJsonAsync(context, new k8s.Models.V1PodList
    {
        ApiVersion = "v1", Kind = "PodList", Metadata = new k8s.Models.V1ListMeta(), Items = [.. _agent.Pods.All.Select(p => p.Pod)],
    });

    private async Task LogsAsync(HttpContext context)
    {
        var (ns, name, container) = Route(context);
        if (_agent.Pods.Find(ns, name) is not { } pod || pod.All.FirstOrDefault(s => s.Name == container) is not { } slot)
        {
            await Refuse(context, 404, $"container \"{container}\" of pod \"{ns}/{name}\" is not on this node");
            return;
        }

        var query = context.Request.Query;
        var previous = Flag(query["previous"]);
        var restarts = pod.Read(() => previous ? slot.Restarts - (slot.State.Waiting is null ? 1 : 0) : slot.Restarts);
        var path = pod.LogPath(container, restarts);
        if (LogFiles.Of(path).Count == 0 && slot.Kind != ContainerKind.Virtual)
        {
            await RefuseLogAsync(context, slot, name, previous);
            return;
        }

        context.Response.ContentType = "text/plain";
        await context.Response.StartAsync(context.RequestAborted);
        try
        {
            var run = slot.Run;
            bool Ended() => previous || slot.Run != run || !slot.IsRunning;
            var wanted = Query(query, pod.Node.Now);
            await new LogReader(path).CopyAsync(context.Response.Body, wanted, Ended, pod.Node.Time, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return; // the reader has seen enough
        }
    }

    private static Task RefuseLogAsync(HttpContext context, ContainerSlot slot, string pod, bool previous) => previous
        ? Refuse(context, 400, $"previous terminated container \"{slot.Name}\" in pod \"{pod}\" not found")
        : slot.State.Waiting is { } waiting
            ? Refuse(context, 400, $"container \"{slot.Name}\" in pod \"{pod}\" is waiting to start: {waiting.Message ?? waiting.Reason}")
            : Refuse(context, 404, $"container \"{slot.Name}\" in pod \"{pod}\" has no log");

    private static LogQuery Query(IQueryCollection query, DateTimeOffset now)
    {
        long? Number(string name) => long.TryParse(query[name], CultureInfo.InvariantCulture, out var n) ? n : null;
        return new LogQuery
        {
            Follow = Flag(query["follow"]),
            Timestamps = Flag(query["timestamps"]),
            TailLines = Number("tailLines"),
            LimitBytes = Number("limitBytes"),
            Stream = query["stream"].ToString() switch { "Stdout" => "stdout", "Stderr" => "stderr", _ => null },
            Since = Number("sinceSeconds") is { } seconds ? now - TimeSpan.FromSeconds(seconds)
                : DateTimeOffset.TryParse(query["sinceTime"], CultureInfo.InvariantCulture, out var time) ? time : null,
        };
    }

    internal static (string Namespace, string Pod, string Container) Route(HttpContext context)
    {
        string Value(string name) => (string?)context.GetRouteValue(name) ?? "";
        return (Value("ns"), Value("pod"), Value("container"));
    }

    internal static bool Flag(string? value) => value is "true" or "1" or "True";

    internal static Task Refuse(HttpContext context, int code, string text)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static async Task WriteJsonAsync<T>(HttpContext context, T value)
    {
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(KubeJson.Serialize(value), context.RequestAborted);
    }

    private static bool IsAuthorized(HttpContext context, string token) =>
        context.Request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header["Bearer ".Length..]), Encoding.UTF8.GetBytes(token));
}
