using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Knet.Cli;

/// <summary>One step of the daemon's start.</summary>
internal sealed record StepReport(string Step, string Detail, double Ms, bool Ok);

/// <summary>What the daemon says of itself.</summary>
internal sealed record StatusReport(
    string Version, int Pid, string Api, string Gateway, string Domain, IReadOnlyList<StepReport> Steps, IReadOnlyList<ServiceReport> Services);

internal sealed record ServiceReport(string Namespace, string Name, string Url, string Ready, string Message, int Replicas);

internal sealed record ImageReport(string Reference, string Digest, long Bytes);

internal sealed record ErrorReport(string Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StepReport))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(List<ImageReport>))]
[JsonSerializable(typeof(ErrorReport))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>Calls on the running daemon through its Unix socket.</summary>
internal sealed class AdminClient : IDisposable
{
    private readonly HttpClient _http;

    public AdminClient(Places places)
    {
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(places.AdminSocket), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://knet"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The daemon's status, or null when none answers.</summary>
    public async Task<StatusReport?> FindStatusAsync()
    {
        try
        {
            using var response = await _http.GetAsync("/v1/status");
            return JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), CliJson.Default.StatusReport);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async Task<List<ImageReport>> ImagesAsync()
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/images"));
        return JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), CliJson.Default.ListImageReport) ?? [];
    }

    /// <exception cref="CliException">No daemon, or it refused; the message says which.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }
        catch (HttpRequestException)
        {
            throw new CliException("Knet is not running on this machine. Start it with: knet up", 5);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        var body = await response.Content.ReadAsStringAsync();
        var error = body.StartsWith('{') ? JsonSerializer.Deserialize(body, CliJson.Default.ErrorReport)?.Error : body;
        throw new CliException(error ?? $"the daemon answered {(int)response.StatusCode}", response.StatusCode == HttpStatusCode.NotFound ? 3 : 1);
    }

    public void Dispose() => _http.Dispose();
}
