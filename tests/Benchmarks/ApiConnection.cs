using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// The API of the running platform over HTTPS and HTTP/2, as the kubeconfig's user.
/// One instance is one client with its own connections.
/// </summary>
internal sealed partial class ApiConnection : IDisposable
{
    private readonly HttpClient _http;

    public ApiConnection()
    {
        var home = Environment.GetEnvironmentVariable("KNET_HOME") ?? "/var/lib/knet";
        var config = File.ReadAllText(Path.Combine(home, "kubeconfig"));
        using var pem = X509Certificate2.CreateFromPem(Field(config, "client-certificate-data"), Field(config, "client-key-data"));
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        handler.SslOptions.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
        var ca = X509Certificate2.CreateFromPem(Field(config, "certificate-authority-data"));
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { ca }, RevocationMode = X509RevocationMode.NoCheck,
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(Server().Match(config).Groups[1].Value), Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <summary>Sends a body; answers below 300 only, and 409 for what is there already.</summary>
    public async Task SendAsync(HttpMethod method, string path, object? body, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        using var answer = await _http.SendAsync(request);
        if (!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.Conflict)
        {
            throw new InvalidOperationException($"{method} {path}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    /// <summary>Opens a watch from now on and calls back with each event's line; ends when cancelled.</summary>
    /// <returns>When it is open: what runs until its end.</returns>
    public async Task<Task> WatchAsync(string path, Action<string> seen, CancellationToken cancellationToken)
    {
        var query = path + (path.Contains('?') ? '&' : '?');
        using var list = await JsonDocument.ParseAsync(await _http.GetStreamAsync(new Uri(query + "limit=1", UriKind.Relative), cancellationToken),
            cancellationToken: cancellationToken);
        var version = list.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString();
        var answer = await _http.GetAsync(
            new Uri($"{query}watch=true&resourceVersion={version}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return ReadAsync(answer, seen, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private static async Task ReadAsync(HttpResponseMessage answer, Action<string> seen, CancellationToken cancellationToken)
    {
        using (answer)
        {
            try
            {
                using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken));
                while (await lines.ReadLineAsync(cancellationToken) is { } line)
                {
                    seen(line);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return; // the benchmark is over
            }
        }
    }

    private static string Field(string config, string name) =>
        Encoding.ASCII.GetString(Convert.FromBase64String(Regex.Match(config, $"{name}: \"?([A-Za-z0-9+/=]+)").Groups[1].Value));

    [GeneratedRegex("server: \"?(https://[^\\s\"]+)")]
    private static partial Regex Server();
}
