using System.Net;
using System.Net.Http;
using System.Text;

namespace Knet.DataPlane.Forwarding;

/// <summary>Makes the HTTP clients that requests leave by: they change nothing, follow nothing and remember nothing.</summary>
internal sealed class InstanceClients(IInstanceDialer dialer, DataPlaneOptions options)
{
    /// <summary>A client with connections of its own, to one instance only; disposed with the instance.</summary>
    public HttpMessageInvoker Create(string address, int port)
    {
        var handler = CreateHandler(options);
        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            try
            {
                return await dialer.ConnectAsync(address, port, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new InstanceUnreachableException($"dial {address}:{port}: {e.Message}", e);
            }
        };
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    /// <summary>A client for ordinary addresses, shared by all.</summary>
    public static HttpMessageInvoker CreateShared(DataPlaneOptions options) => new(CreateHandler(options), disposeHandler: true);

    private static SocketsHttpHandler CreateHandler(DataPlaneOptions options) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = null,
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionIdleTimeout = options.IdleConnectionTimeout,

        // Header bytes beyond ASCII pass as they are.
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    };
}

/// <summary>No connection could be opened: nothing of the request was sent, it may go elsewhere.</summary>
public sealed class InstanceUnreachableException(string message, Exception cause) : IOException(message, cause);
