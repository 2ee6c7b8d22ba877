using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Routing;
using Knet.Node.Dns;
using Knet.Node.Kubelet;
using Knet.Node.Logs;
using Knet.Node.Pods;
using Knet.Node.Runtime;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What programs, their clients and name servers send to the node and the gateway.</summary>
internal static class NodeTargets
{
    private static readonly byte[] Query = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 1, (byte)'b', 0, 0, 1, 0, 1];

    private static readonly byte[] Reply =
        [0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, (byte)'a', 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4, 0xc0, 12, 0,
            5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12];

    private static readonly byte[][] DnsWords = [[0xc0, 12], [0xc0, 0xff], [0], [63], [64], [0, 1, 0, 1], [0, 28, 0, 1], [0, 41, 16, 0], [0xff,
        0xff], [1, (byte)'a']];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("dns-query", DnsWords, bytes => DnsQuery.Parse(bytes, out _), FuzzTarget.Nothing) { Seeds = [Query] },
        new("dns-reply", DnsWords, ReadReply, FuzzTarget.Nothing) { Seeds = [Reply] },
        new("dns-stream", DnsWords, bytes => DnsStream.ReadAsync(new MemoryStream(bytes), CancellationToken.None).GetAwaiter().GetResult(),
            e => e is IOException) { Seeds = [[0, (byte)Query.Length, .. Query]] },
        FuzzTarget.Text("mount-table", ["1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", " - ", "cgroup", "\n", " ", "/", "\\040", "memory,cpu"],
            text => Cgroups.Parse(text), FuzzTarget.Nothing),
        FuzzTarget.Text("log-line", ["2026-01-01T00:00:00.000000000Z", " ", "stdout", "stderr", "F", "P", "text", "\n"],
            text => _ = LogLine.TryParse(Encoding.UTF8.GetBytes(text), out _), FuzzTarget.Nothing, "2026-01-01T00:00:00.000000000Z stdout F text"),
        FuzzTarget.Text("queue-probe", ["{", "}", "[", "]", "\"httpGet\":", "\"port\":", "1", "\"a\"", ",", "\"tcpSocket\":", "null", "\"host\":",
            "\"exec\":", " "],
            text => QueueProxyLoop.Parse(text, 80), e => e is JsonException, """{"httpGet":{"path":"/","port":1}}""",
                """[{"tcpSocket":{"port":"x"}}]"""),
        new("channel-frames", [[0], [1], [4], [255], [255, 0], .. ApiTargets.Words("{\"Width\":1,\"Height\":2}", "{\"Width\":99999999999}",
            "null", "[]")],
            Frames, FuzzTarget.Nothing) { Seeds = [[4, .. "{\"Width\":1,\"Height\":2}"u8]] },
        FuzzTarget.Text("forwarded", [",", " ", "1.2.3.4", "::1", "[::1]:80", "\"", "\\", ";", "=", "for=", "\t", "unknown"],
            text => ForwardedHeaders.Synthesize(text, "http", text), FuzzTarget.Nothing, "1.2.3.4, ::1"),
        FuzzTarget.Text("host-header", ["a", ".", ":", "80", "[", "]", "::1", " ", ",", "@"], text => RouteTable.HostOf(text), FuzzTarget.Nothing,
            "a.b:80", "[::1]:80"),
    ];

    private static void ReadReply(byte[] reply)
    {
        DnsReply.TimeToLive(reply, 5);
        DnsReply.Addresses(reply);
        if (reply.Length >= 12)
        {
            DnsReply.Refuse(reply, default);
        }
    }

    // One message after the other, as a client may cut them.
    private static void Frames(byte[] bytes)
    {
        using var channels = new ChannelSocket(new Messages(bytes));
        channels.ReceiveAsync(_ => Task.CompletedTask, (_, _) => { }, CancellationToken.None).GetAwaiter().GetResult();
    }

    private sealed class Messages(byte[] bytes) : WebSocket
    {
        private int _at;

        public override WebSocketCloseStatus? CloseStatus => null;
        public override string? CloseStatusDescription => null;
        public override WebSocketState State => WebSocketState.Open;
        public override string? SubProtocol => ChannelSocket.V5;

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
        {
            if (_at == bytes.Length)
            {
                return Task.FromResult(new WebSocketReceiveResult(0, WebSocketMessageType.Close, true));
            }

            var count = Math.Min(Math.Min(1 + (bytes[_at] & 31), bytes.Length - _at), buffer.Count);
            bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return Task.FromResult(new WebSocketReceiveResult(count, WebSocketMessageType.Binary,
                (bytes[_at - 1] & 1) == 0 || _at == bytes.Length));
        }

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType type, bool end,
            CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseAsync(WebSocketCloseStatus status, string? description,
            CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseOutputAsync(WebSocketCloseStatus status, string? description,
            CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Abort()
        {
        }

        public override void Dispose()
        {
        }
    }
}
