using System.Net.WebSockets;
using Knet.Node.Agent;
using Knet.Node.Kubelet.Spdy;
using Knet.Node.Pods;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Knet.Node.Kubelet;

/// <summary>
/// <c>port-forward</c>, in the three forms that clients speak: SPDY over a WebSocket (kubectl since 1.30), SPDY over an upgraded
/// connection (kubectl before that), and two channels per port over a WebSocket (client libraries).
/// </summary>
internal sealed partial class PortForwardEndpoint(PodSet pods, NodeServices node)
{
    private const string Spdy = "SPDY/3.1", Streams = "portforward.k8s.io", Tunnel = $"{Spdy}+{Streams}";
    private readonly ILogger _logger = node.Loggers.CreateLogger<PortForwardEndpoint>();

    public async Task HandleAsync(HttpContext context)
    {
        var (ns, name, _) = KubeletServer.Route(context);
        if (pods.Find(ns, name) is not { Sandbox: not null } pod)
        {
            await KubeletServer.Refuse(context, 404, $"pod \"{ns}/{name}\" has no network on this node");
            return;
        }

        var forwarding = new PortForwarding(node.Network, pod, node.Time);
        try
        {
            await ServeAsync(context, forwarding);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or WebSocketException)
        {
            Log.Ended(_logger, pod.FullName, e.Message);
        }
    }

    private static Task ServeAsync(HttpContext context, PortForwarding forwarding)
    {
        if (context.WebSockets.IsWebSocketRequest)
        {
            var offered = context.WebSockets.WebSocketRequestedProtocols;
            return offered.Contains(Tunnel) ? ServeTunnelAsync(context, forwarding)
                : offered.Contains(ChannelSocket.V4) ? ServeChannelsAsync(context, forwarding)
                : KubeletServer.Refuse(
                    context, 400, $"unknown protocols {string.Join(", ", offered)}: this node speaks {Tunnel} and {ChannelSocket.V4}");
        }

        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        return upgrade is { IsUpgradableRequest: true } && context.Request.Headers.Upgrade.ToString() == Spdy
            ? ServeSpdyAsync(context, upgrade, forwarding)
            : KubeletServer.Refuse(context, 400, $"ports are forwarded over an upgraded connection: ask with Upgrade: websocket or {Spdy}");
    }

    private static async Task ServeTunnelAsync(HttpContext context, PortForwarding forwarding)
    {
        // Not handed to AcceptWebSocketAsync, which takes no name with a slash.
        context.Response.Headers.SecWebSocketProtocol = Tunnel;
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await using var stream = new MessageStream(socket);
        await forwarding.ServeAsync(stream, context.RequestAborted);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private static async Task ServeSpdyAsync(HttpContext context, IHttpUpgradeFeature upgrade, PortForwarding forwarding)
    {
        context.Response.Headers.Upgrade = Spdy;
        context.Response.Headers["X-Stream-Protocol-Version"] = Streams;
        await using var stream = await upgrade.UpgradeAsync();
        await forwarding.ServeAsync(stream, context.RequestAborted);
    }

    private static async Task ServeChannelsAsync(HttpContext context, PortForwarding forwarding)
    {
        var ports = new List<ushort>();
        foreach (var text in context.Request.Query["ports"].SelectMany(p => (p ?? "").Split(',')))
        {
            if (!ushort.TryParse(text, out var port) || port == 0)
            {
                await KubeletServer.Refuse(context, 400, $"query parameter \"ports\" must hold numbers from 1 to 65535, not \"{text}\"");
                return;
            }

            ports.Add(port);
        }

        if (ports.Count is 0 or > PortForwarding.PortsMax)
        {
            await KubeletServer.Refuse(
                context, 400, $"query parameter \"ports\" is required: 1 to {PortForwarding.PortsMax} ports, such as ports=8080,9090");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(ChannelSocket.V4);
        using var channels = new ChannelSocket(socket);
        await forwarding.ServeAsync(channels, ports, context.RequestAborted);
    }

    private static partial class Log
    {
        [LoggerMessage(4601, LogLevel.Debug, "port-forward to {Pod} ended: {Reason}")]
        public static partial void Ended(ILogger logger, string pod, string reason);
    }
}
