using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using Knet.Node.Network;

namespace Knet.Node.Probes;

/// <summary>What a probe found; the text is what kubelet would say.</summary>
/// <param name="Warning">It succeeded in a way that the user should know of: <see cref="Output"/> says how.</param>
internal readonly record struct ProbeResult(bool Success, string Output, bool Warning = false);

/// <summary>Asks containers by HTTP, TCP and gRPC, through sockets made inside the pod's network namespace.</summary>
internal sealed class ProbeClient : IDisposable
{
    private static readonly HttpRequestOptionsKey<Target> TargetKey = new("knet.target");
    private readonly IPodNetwork _network;
    private readonly HttpMessageInvoker _http;

    public ProbeClient(IPodNetwork network)
    {
        _network = network;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.Zero, // a probe tells whether a new connection is served
            SslOptions = AnyCertificate(),
            ConnectCallback = async (context, token) =>
            {
                if (!context.InitialRequestMessage.Options.TryGetValue(TargetKey, out var target))
                {
                    throw new InvalidOperationException("a probe without its target");
                }

                return new NetworkStream(await network.ConnectAsync(target.Sandbox, target.Address, target.Port, token), ownsSocket: true);
            },
        });
    }

    public async Task<ProbeResult> TcpAsync(PodSandbox sandbox, IPAddress address, int port, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await _network.ConnectAsync(sandbox, address, port, cancellationToken);
            return new ProbeResult(true, "");
        }
        catch (SocketException e)
        {
            return new ProbeResult(false, $"dial tcp {address}:{port}: connect: {Text(e)}");
        }
        catch (OperationCanceledException)
        {
            return new ProbeResult(false, $"dial tcp {address}:{port}: i/o timeout");
        }
    }

    /// <param name="http2">Speak HTTP/2 from the first byte (a port named h2c).</param>
    public async Task<ProbeResult> HttpAsync(
        PodSandbox sandbox, IPAddress address, int port, V1HTTPGetAction get, bool http2, CancellationToken cancellationToken)
    {
        var scheme = string.Equals(get.Scheme, "HTTPS", StringComparison.OrdinalIgnoreCase) ? "https" : "http";
        var host = string.IsNullOrEmpty(get.Host) ? address.ToString() : get.Host;
        var path = string.IsNullOrEmpty(get.Path) ? "/" : get.Path.StartsWith('/') ? get.Path : "/" + get.Path;
        var url = $"{scheme}://{host}:{port}{path}";
        try
        {
            var first = new Uri(url);
            var (current, followed) = (first, 0);
            while (true)
            {
                using var response = await GetAsync(sandbox, address, current, get, http2, cancellationToken);
                var code = (int)response.StatusCode;
                if (ProbeRedirect.Next(first, current, code, response.Headers.Location) is not { } next)
                {
                    return code is < 200 or >= 400 ? new ProbeResult(false, $"HTTP probe failed with statuscode: {code}")
                        : code < 300 ? new ProbeResult(true, "")
                        : new ProbeResult(true, await ProbeRedirect.WarningAsync(response, cancellationToken), Warning: true);
                }

                if (++followed > ProbeRedirect.Max)
                {
                    return new ProbeResult(false, $"Get \"{next}\": stopped after {ProbeRedirect.Max} redirects");
                }

                current = next;
            }
        }
        catch (HttpRequestException e)
        {
            var cause = e.InnerException is SocketException s ? $"dial tcp {address}:{port}: connect: {Text(s)}" : e.Message;
            return new ProbeResult(false, $"Get \"{url}\": {cause}");
        }
        catch (OperationCanceledException)
        {
            return new ProbeResult(false, $"Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
        }
        catch (UriFormatException e)
        {
            return new ProbeResult(false, $"Get \"{url}\": {e.Message}");
        }
    }

    private async Task<HttpResponseMessage> GetAsync(
        PodSandbox sandbox, IPAddress address, Uri url, V1HTTPGetAction get, bool http2, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Options.Set(TargetKey, new Target(sandbox, address, url.Port));
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.35");
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        (request.Version, request.VersionPolicy) = http2 ? (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact)
            : (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
        request.Headers.ConnectionClose = http2 ? null : true;
        foreach (var header in get.HttpHeaders ?? [])
        {
            request.Headers.Remove(header.Name);
            request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }

        return await _http.SendAsync(request, cancellationToken);
    }

    /// <summary>Asks the standard health service (grpc.health.v1.Health/Check).</summary>
    public async Task<ProbeResult> GrpcAsync(
        PodSandbox sandbox, IPAddress address, int port, string service, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{address}:{port}/grpc.health.v1.Health/Check")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(HealthRequest(service)),
            };
            request.Options.Set(TargetKey, new Target(sandbox, address, port));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
            request.Headers.TryAddWithoutValidation("TE", "trailers");
            request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.35");
            using var response = await _http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return HealthAnswer(body) switch
            {
                1 => new ProbeResult(true, "service healthy"),
                null => new ProbeResult(false, $"error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"),
                var status => new ProbeResult(false, $"service unhealthy (responded with \"{(status == 2 ? "NOT_SERVING" : "UNKNOWN")}\")"),
            };
        }
        catch (HttpRequestException e)
        {
            return new ProbeResult(false, $"error: failed to connect to \"{address}:{port}\": {e.Message}");
        }
        catch (OperationCanceledException)
        {
            return new ProbeResult(false, $"timeout: failed to connect service \"{address}:{port}\" within the probe's time");
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>gRPC's frame (flag, length) around protobuf: field 1, the service's name.</summary>
    internal static byte[] HealthRequest(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        var length = name.Length == 0 ? 0 : 2 + name.Length;
        var frame = new byte[5 + length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), length);
        if (length > 0)
        {
            (frame[5], frame[6]) = (0x0a, (byte)name.Length); // names are short: one byte of length
            name.CopyTo(frame, 7);
        }

        return frame;
    }

    /// <summary>The status in an answer: field 1 as a varint; null when there is no message.</summary>
    internal static int? HealthAnswer(ReadOnlySpan<byte> body) => body switch
    {
        { Length: < 5 } => null,
        { Length: 5 } => 0,
        [_, _, _, _, _, 0x08, var status, ..] => status,
        _ => null,
    };

    /// <summary>Kubelet checks no certificate when it probes: the connection does not leave this machine.</summary>
    private static SslClientAuthenticationOptions AnyCertificate() => new()
    {
#pragma warning disable CA5359 // see the summary
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
    };

    private static string Text(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostUnreachable => "no route to host",
        SocketError.NetworkUnreachable => "network is unreachable",
        _ => e.Message,
    };

    private sealed record Target(PodSandbox Sandbox, IPAddress Address, int Port);
}
