using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Node.Kubelet;

/// <summary>
/// Kubernetes' streams over a WebSocket: each message begins with a channel byte: 0 stdin, 1 stdout, 2 stderr, 3 error, 4 terminal size
/// and, from v5, 255: the channel named next is closed.
/// </summary>
internal sealed class ChannelSocket(WebSocket socket) : IDisposable
{
    public const string V5 = "v5.channel.k8s.io", V4 = "v4.channel.k8s.io";
    public const byte Stdout = 1, Stderr = 2;
    private const byte Stdin = 0, Error = 3, Size = 4, Close = 255;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _buffer = new byte[32 * 1024];

    /// <summary>Sends a piece of output.</summary>
    public async Task SendAsync(byte channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var message = new byte[data.Length + 1];
        message[0] = channel;
        data.CopyTo(message.AsMemory(1));
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Reports how the command ended, and closes.</summary>
    /// <param name="problem">What went wrong beside the exit code, or null.</param>
    public async Task EndAsync(int exitCode, string? problem, CancellationToken cancellationToken)
    {
        var status = exitCode == 0 && problem is null
            ? new V1Status { Metadata = new V1ListMeta(), Status = "Success" }
            : new V1Status
            {
                Metadata = new V1ListMeta(),
                Status = "Failure",
                Message = problem ?? $"command terminated with non-zero exit code: exit status {exitCode}",
                Reason = problem is null ? "NonZeroExitCode" : "InternalError",
                Details = problem is null
                    ? new V1StatusDetails { Causes = [new V1StatusCause { Reason = "ExitCode", Message = $"{exitCode}" }] }
                    : null,
            };
        await SendAsync(Error, KubeJson.Serialize(status), cancellationToken);
        await CloseAsync(cancellationToken);
    }

    /// <summary>Says that nothing more is sent.</summary>
    public Task CloseAsync(CancellationToken cancellationToken) =>
        socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);

    /// <summary>Hands on what the client sends until it goes away.</summary>
    /// <param name="stdin">A piece of input; null when there will be no more.</param>
    /// <param name="resize">Rows and columns.</param>
    public Task ReceiveAsync(Func<ReadOnlyMemory<byte>?, Task> stdin, Action<int, int> resize, CancellationToken cancellationToken) =>
        ReceiveAsync(
            async (channel, data) =>
            {
                switch (channel)
                {
                    case Stdin when data.Length > 0:
                        await stdin(data);
                        break;
                    case Close when data.Length == 1 && data.Span[0] == Stdin:
                        await stdin(null);
                        break;
                    case Size:
                        Resize(data, resize);
                        break;
                }
            },
            cancellationToken);

    /// <summary>Hands on every message, by channel, until the client goes away.</summary>
    public async Task ReceiveAsync(Func<byte, ReadOnlyMemory<byte>, Task> message, CancellationToken cancellationToken)
    {
        while (await ReadMessageAsync(cancellationToken) is { } bytes)
        {
            if (bytes.Length > 0)
            {
                await message(bytes.Span[0], bytes[1..]);
            }
        }
    }

    public void Dispose() => _sending.Dispose();

    private static void Resize(ReadOnlyMemory<byte> json, Action<int, int> resize)
    {
        try
        {
            using var size = JsonDocument.Parse(json);
            resize(size.RootElement.GetProperty("Height").GetInt32(), size.RootElement.GetProperty("Width").GetInt32());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return; // a size that is none changes nothing
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReadMessageAsync(CancellationToken cancellationToken)
    {
        var message = new MemoryStream();
        while (true)
        {
            var part = await socket.ReceiveAsync(_buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Write(_buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }
}
