using System.Net.Sockets;
using System.Net.WebSockets;
using Knet.Node.Agent;
using Knet.Node.Pods;
using Knet.Node.Runtime;
using Microsoft.AspNetCore.Http;

namespace Knet.Node.Kubelet;

/// <summary><c>exec</c> and <c>attach</c> over WebSockets.</summary>
internal sealed class StreamEndpoints(PodSet pods, NodeServices node)
{
    private const int ChunkBytes = 16 * 1024;

    public async Task ExecAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var command = query["command"].OfType<string>().ToList();
        if (await RunningAsync(context) is not { } run)
        {
            return;
        }

        if (command.Count == 0)
        {
            await KubeletServer.Refuse(context, 400, "you must specify at least 1 command for the container");
            return;
        }

        var tty = KubeletServer.Flag(query["tty"]);
        var stdin = KubeletServer.Flag(query["stdin"]) || KubeletServer.Flag(query["input"]);
        await ServeAsync(context, async (socket, token) =>
        {
            await using var process = ExecProcess.Start(node, run, command, tty, stdin);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(token);
            var input = socket.ReceiveAsync(process.WriteAsync, process.Resize, ended.Token);
            var outputs = Task.WhenAll(
                CopyAsync(process.Output, socket, ChannelSocket.Stdout, token),
                process.Error is { } error ? CopyAsync(error, socket, ChannelSocket.Stderr, token) : Task.CompletedTask);
            if (await Task.WhenAny(outputs, input) == input)
            {
                process.Kill(); // the client went away
                await outputs;
                return;
            }

            await outputs;
            await socket.EndAsync(await process.WaitAsync(), null, token);
            await CloseAsync(input, ended);
        });
    }

    public async Task AttachAsync(HttpContext context)
    {
        if (await RunningAsync(context) is not { } run)
        {
            return;
        }

        await ServeAsync(context, async (socket, token) =>
        {
            using var keeper = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
            await keeper.ConnectAsync(new UnixDomainSocketEndPoint(node.Runtime.AttachSocket(run.Id)), token);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(token);
            var input = socket.ReceiveAsync(
                async data =>
                {
                    if (data is { } bytes)
                    {
                        await keeper.SendAsync(bytes, SocketFlags.None, ended.Token);
                    }
                    else
                    {
                        keeper.Shutdown(SocketShutdown.Send); // for stdinOnce the keeper closes the program's input
                    }
                },
                (rows, columns) => node.Runtime.Resize(run.Id, rows, columns),
                ended.Token);
            var buffer = new byte[ChunkBytes];
            while (await keeper.ReceiveAsync(buffer, SocketFlags.None, token) is var count and > 0)
            {
                if (input.IsCompleted)
                {
                    return; // the client went away
                }

                // The keeper's first byte says which stream: 2 stdout, 3 stderr.
                await socket.SendAsync(buffer[0] == 3 ? ChannelSocket.Stderr : ChannelSocket.Stdout, buffer.AsMemory(1, count - 1), token);
            }

            // Unlike a command of exec, the container tells its exit code in its status: the stream only ends.
            await node.Exits.WaitAsync(run.Id);
            await socket.EndAsync(0, null, token);
            await CloseAsync(input, ended);
        });
    }

    // Ending the reading at once would cut the connection before the client has read how the command ended.
    private async Task CloseAsync(Task input, CancellationTokenSource ended)
    {
        await Task.WhenAny(input, Task.Delay(TimeSpan.FromSeconds(1), node.Time, CancellationToken.None));
        await ended.CancelAsync();
    }

    private async Task<ContainerRun?> RunningAsync(HttpContext context)
    {
        var (ns, name, container) = KubeletServer.Route(context);
        var slot = pods.Find(ns, name)?.All.FirstOrDefault(s => s.Name == container);
        if (slot is { IsRunning: true, Run: { Spec: not null } run, Kind: not ContainerKind.Virtual })
        {
            if (context.WebSockets.IsWebSocketRequest)
            {
                return run;
            }

            await KubeletServer.Refuse(context, 400, "this node speaks WebSockets only: ask with Upgrade: websocket and v5.channel.k8s.io");
            return null;
        }

        await (slot switch
        {
            null => KubeletServer.Refuse(context, 404, $"container \"{container}\" of pod \"{ns}/{name}\" is not on this node"),
            { Kind: ContainerKind.Virtual } => KubeletServer.Refuse(
                context, 400, $"container {container} is done by the node itself: there is no process to enter"),
            _ => KubeletServer.Refuse(context, 400, $"container not found (\"{container}\"): it is not running"),
        });
        return null;
    }

    private static async Task ServeAsync(HttpContext context, Func<ChannelSocket, CancellationToken, Task> serve)
    {
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        var protocol = offered.Contains(ChannelSocket.V5) ? ChannelSocket.V5 : offered.Contains(ChannelSocket.V4) ? ChannelSocket.V4 : null;
        if (protocol is null)
        {
            var asked = string.Join(", ", offered);
            await KubeletServer.Refuse(context, 400, $"unknown protocols {asked}: this node speaks v5.channel.k8s.io and v4.channel.k8s.io");
            return;
        }

        using var accepted = await context.WebSockets.AcceptWebSocketAsync(protocol);
        using var socket = new ChannelSocket(accepted);
        try
        {
            await serve(socket, context.RequestAborted);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await socket.EndAsync(1, $"error executing command in container: {e.Message}", context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            return; // the client is gone
        }
    }

    private static async Task CopyAsync(Stream from, ChannelSocket socket, byte channel, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        while (await ReadAsync(from, buffer, cancellationToken) is var count and > 0)
        {
            await socket.SendAsync(channel, buffer.AsMemory(0, count), cancellationToken);
        }
    }

    /// <summary>A terminal whose program has ended answers with an I/O error: that is its end.</summary>
    private static async Task<int> ReadAsync(Stream from, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await from.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
