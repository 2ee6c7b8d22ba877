using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Knet.Node.Kubelet.Spdy;
using Knet.Node.Network;
using Knet.Node.Pods;

namespace Knet.Node.Kubelet;

/// <summary>Connections of one client to the ports of one pod, dialled on 127.0.0.1 inside it, as kubelet does.</summary>
internal sealed class PortForwarding(IPodNetwork network, PodContext pod, TimeProvider time)
{
    /// <summary>Ports of one request that uses channels: their numbers are bytes.</summary>
    public const int PortsMax = 120;

    private const int BufferBytes = 16 * 1024;
    private static readonly TimeSpan PairTimeout = TimeSpan.FromSeconds(30); // kubelet's stream creation timeout

    /// <summary>Serves SPDY: each connection is a pair of streams, one for data, one for what went wrong.</summary>
    public async Task ServeAsync(Stream transport, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pairs = new ConcurrentDictionary<string, Pair>(StringComparer.Ordinal);
        var running = new ConcurrentDictionary<Task, byte>();
        void Run(Task task)
        {
            running[task] = 0;
            _ = task.ContinueWith(t => running.TryRemove(t, out _), TaskScheduler.Default);
        }

        using var session = new SpdySession(transport, stream =>
        {
            if (PortOf(stream) == 0 || stream.Headers.GetValueOrDefault("streamtype") is not ("data" or "error"))
            {
                return false;
            }

            var id = RequestOf(stream);
            var pair = pairs.GetOrAdd(id, _ => new Pair());
            if (!pair.TryAdd(stream))
            {
                return false;
            }

            if (pair.IsNew())
            {
                Run(ForwardAsync(pair, () => pairs.TryRemove(id, out var _), ended.Token));
            }

            return true;
        });
        try
        {
            await session.RunAsync(cancellationToken);
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(running.Keys);
        }
    }

    /// <summary>Serves channels: the port at place n has channel 2n for data and 2n+1 for errors; both begin with the port's number.</summary>
    public async Task ServeAsync(ChannelSocket channels, IReadOnlyList<ushort> ports, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sockets = new Task<Socket?>[ports.Count];
        for (var i = 0; i < ports.Count; i++)
        {
            var (data, error, number) = ((byte)(2 * i), (byte)((2 * i) + 1), new byte[2]);
            BinaryPrimitives.WriteUInt16LittleEndian(number, ports[i]);
            await channels.SendAsync(data, number, cancellationToken);
            await channels.SendAsync(error, number, cancellationToken);
            sockets[i] = DialAsync(ports[i], text => channels.SendAsync(error, Encoding.UTF8.GetBytes(text), ended.Token), ended.Token);
        }

        var outputs = Task.WhenAll(sockets.Select((socket, i) => CopyOutAsync(
            socket, bytes => channels.SendAsync((byte)(2 * i), bytes, ended.Token), ended.Token)));
        var input = channels.ReceiveAsync(
            async (channel, bytes) =>
            {
                if (channel % 2 == 0 && channel / 2 < sockets.Length && await sockets[channel / 2] is { } socket)
                {
                    await SendAllAsync(socket, bytes, ended.Token);
                }
            },
            ended.Token);
        try
        {
            if (await Task.WhenAny(input, outputs) == outputs)
            {
                await channels.CloseAsync(cancellationToken);
            }

            await input;
        }
        finally
        {
            await ended.CancelAsync();
            await IgnoreAsync(outputs);
            foreach (var socket in sockets)
            {
                (await socket)?.Dispose();
            }
        }
    }

    private async Task ForwardAsync(Pair pair, Action forget, CancellationToken cancellationToken)
    {
        try
        {
            var (data, error) = await pair.Complete.Task.WaitAsync(PairTimeout, time, cancellationToken);
            forget();
            await error.Input.CompleteAsync(); // clients say nothing on it
            Task ReportAsync(string text) => error.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
            using var socket = await DialAsync(PortOf(data), ReportAsync, cancellationToken);
            if (socket is not null)
            {
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var input = CopyInAsync(data, socket, over.Token);
                await CopyOutAsync(Task.FromResult<Socket?>(socket), bytes => data.WriteAsync(bytes, cancellationToken), cancellationToken);

                // The program has said its last, so nobody hears what else the client says; it waits for both streams to end.
                await over.CancelAsync();
                await IgnoreAsync(input);
            }

            await data.CloseAsync(cancellationToken);
            await error.CloseAsync(cancellationToken);
            await data.Input.CompleteAsync();
        }
        catch (TimeoutException)
        {
            forget(); // half a pair is of no use; the client has given up as well
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or WebSocketException)
        {
            forget(); // the client is gone
        }
    }

    private async Task<Socket?> DialAsync(int port, Func<string, Task> report, CancellationToken cancellationToken)
    {
        try
        {
            return await network.ConnectAsync(pod.Sandbox!, IPAddress.Loopback, port, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or NetworkException)
        {
            var why = e is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? "connect: connection refused" : e.Message;
            await report($"error forwarding port {port} to pod {pod.Name}, uid {pod.Uid}: dial tcp4 127.0.0.1:{port}: {why}");
            return null;
        }
    }

    private static async Task CopyInAsync(SpdyStream from, Socket to, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var read = await from.Input.ReadAsync(cancellationToken);
                foreach (var piece in read.Buffer)
                {
                    await SendAllAsync(to, piece, cancellationToken);
                }

                from.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            to.Close(); // the client reset the stream, or the program reads no more: the other direction ends as well
        }
    }

    private static async Task CopyOutAsync(Task<Socket?> from, Func<ReadOnlyMemory<byte>, Task> write, CancellationToken cancellationToken)
    {
        if (await from is not { } socket)
        {
            return;
        }

        var buffer = new byte[BufferBytes];
        while (await ReceiveAsync(socket, buffer, cancellationToken) is var count and > 0)
        {
            await write(buffer.AsMemory(0, count));
        }
    }

    private static async Task<int> ReceiveAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0; // reset by the program, or closed because the client left
        }
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    private static async Task IgnoreAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or WebSocketException)
        {
            return; // the client is gone
        }
    }

    private static int PortOf(SpdyStream stream) => ushort.TryParse(stream.Headers.GetValueOrDefault("port"), out var port) ? port : 0;

    // Clients of before 2016 sent no request ids; their data stream came right after its error stream.
    private static string RequestOf(SpdyStream stream) => stream.Headers.GetValueOrDefault("requestid") is { Length: > 0 } id
        ? id : $"{(stream.Headers["streamtype"] == "data" ? stream.Id - 2 : stream.Id)}";

    /// <summary>The two streams of one connection.</summary>
    private sealed class Pair
    {
        private SpdyStream? _data, _error;
        private int _seen;

        public TaskCompletionSource<(SpdyStream Data, SpdyStream Error)> Complete { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsNew() => Interlocked.Exchange(ref _seen, 1) == 0;

        public bool TryAdd(SpdyStream stream)
        {
            ref var place = ref stream.Headers["streamtype"] == "data" ? ref _data : ref _error;
            if (place is not null)
            {
                return false;
            }

            place = stream;
            if (_data is not null && _error is not null)
            {
                Complete.TrySetResult((_data, _error));
            }

            return true;
        }
    }
}
