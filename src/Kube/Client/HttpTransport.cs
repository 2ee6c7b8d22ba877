using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Kube.Client;

/// <summary>A Kubernetes API over HTTPS, with JSON bodies.</summary>
/// <remarks>One instance serves any number of requests at once; watches share its connections (HTTP/2 where the server speaks
/// it).</remarks>
public sealed partial class HttpTransport : IKubeTransport, IDisposable
{
    private readonly HttpClient _http;
    private readonly HttpTransportOptions _options;

    public HttpTransport(HttpTransportOptions options)
    {
        _options = options;
        _http = new HttpClient(options.CreateHandler())
        {
            BaseAddress = options.Server,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
    }

    public async Task<KubeResult> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.Timeout, _options.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var message = ToMessage(request, watch: false);
            using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseContentRead, both.Token);
            var body = await response.Content.ReadAsByteArrayAsync(both.Token);
            ThrowOnError(response, body);
            return new KubeResult(new KubeDocument(body), (int)response.StatusCode, WarningsOf(response));
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw KubeException.Of(504, "Timeout", $"{_options.Server} did not answer within {_options.Timeout.TotalSeconds} s", null, e);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    public async Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var result = await SendAsync(request with { Verb = KubeVerb.List }, cancellationToken);
        using var list = JsonDocument.Parse(result.Document.Json);
        var root = list.RootElement;
        var metadata = root.TryGetProperty("metadata", out var m) ? m : default;
        var items = new List<KubeDocument>();
        if (root.TryGetProperty("items", out var array) && array.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in array.EnumerateArray())
            {
                items.Add(new KubeDocument(WithKind(item, request.Type)));
            }
        }

        return new KubeListPage(
            items, Text(metadata, "resourceVersion") ?? "", Text(metadata, "continue"),
            metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("remainingItemCount", out var rest) ? rest.GetInt64()
                : null);
    }

    public async IAsyncEnumerable<KubeWatchEvent> WatchAsync(
        KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var message = ToMessage(request with { Verb = KubeVerb.List }, watch: true);
        using var response = await OpenAsync(message, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            ThrowOnError(response, await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }

        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            while (TryCutLine(ref buffer, out var line))
            {
                if (!line.IsEmpty)
                {
                    yield return ParseEvent(line.ToArray());
                }
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                yield break;
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> OpenAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
    }

    private KubeException Unreachable(HttpRequestException e) =>
        KubeException.Of(503, "ServiceUnavailable", $"{_options.Server} cannot be reached: {e.Message}", null, e);

    /// <summary>Path and query of a request, relative to the server.</summary>
    internal static string PathOf(KubeRequest request, bool watch)
    {
        var type = request.Type;
        var path = type.Group.Length == 0 ? $"api/{type.Version}" : $"apis/{type.Group}/{type.Version}";
        if (type.Namespaced && request.Namespace.Length > 0)
        {
            path += $"/namespaces/{Uri.EscapeDataString(request.Namespace)}";
        }

        path += "/" + type.Plural;
        path += request.Name.Length > 0 ? "/" + Uri.EscapeDataString(request.Name) : "";
        path += request.Subresource.Length > 0 ? "/" + request.Subresource : "";
        var query = string.Join('&', Query(request, watch).Where(p => !string.IsNullOrEmpty(p.Value))
            .Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value!)}"));
        return query.Length > 0 ? $"{path}?{query}" : path;
    }

    internal static KubeWatchEvent ParseEvent(ReadOnlyMemory<byte> line)
    {
        using var parsed = JsonDocument.Parse(line);
        var kind = Text(parsed.RootElement, "type");
        var document = new KubeDocument(JsonSerializer.SerializeToUtf8Bytes(parsed.RootElement.GetProperty("object"), KubeJson.Options));
        return kind switch
        {
            "ADDED" => new KubeWatchEvent(WatchEventType.Added, document),
            "MODIFIED" => new KubeWatchEvent(WatchEventType.Modified, document),
            "DELETED" => new KubeWatchEvent(WatchEventType.Deleted, document),
            "BOOKMARK" => new KubeWatchEvent(WatchEventType.Bookmark, document),
            "ERROR" => throw new KubeException(document.Decode<V1Status>()),
            _ => throw new JsonException($"unknown watch event type {kind}"),
        };
    }

    private static IEnumerable<KeyValuePair<string, string?>> Query(KubeRequest request, bool watch)
    {
        yield return new("watch", watch ? "true" : null);
        yield return new("sendInitialEvents", watch && request.SendInitialEvents ? "true" : null);
        yield return new("allowWatchBookmarks", watch && request.AllowBookmarks ? "true" : null);
        yield return new("labelSelector", request.LabelSelector);
        yield return new("fieldSelector", request.FieldSelector);
        yield return new("resourceVersion", request.ResourceVersion);
        yield return new("resourceVersionMatch", request.ResourceVersionMatch);
        yield return new("limit", request.Limit?.ToString());
        yield return new("continue", request.Continue);
        if (request.Verb is KubeVerb.Create or KubeVerb.Update or KubeVerb.Patch)
        {
            yield return new("fieldManager", request.FieldManager ?? "knet");
            yield return new("force", request.Force && request.Patch == PatchKind.Apply ? "true" : null);
            yield return new("fieldValidation", request.FieldValidation);
        }

        yield return new("dryRun", request.DryRun ? "All" : null);
    }

    private static HttpContent? ContentOf(KubeRequest request)
    {
        var body = request.Verb is KubeVerb.Delete or KubeVerb.DeleteCollection && request.DeleteOptions is { } options
            ? KubeJson.Serialize(options)
            : request.Body;
        if (body.IsEmpty)
        {
            return null;
        }

        var mediaType = request.Patch switch
        {
            PatchKind.Json => "application/json-patch+json",
            PatchKind.Merge => "application/merge-patch+json",
            PatchKind.Strategic => "application/strategic-merge-patch+json",
            PatchKind.Apply => "application/apply-patch+yaml",
            _ => "application/json",
        };
        return new ReadOnlyMemoryContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };
    }

    private static void ThrowOnError(HttpResponseMessage response, byte[] body)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        try
        {
            var status = KubeJson.Deserialize<V1Status>(body);
            if (status.Status == "Failure")
            {
                throw new KubeException(status);
            }
        }
        catch (JsonException)
        {
            // Not a Kubernetes answer (a proxy's, say): its code and text are what can be said.
        }

        throw KubeException.Of(
            (int)response.StatusCode, response.StatusCode.ToString(),
                $"HTTP {(int)response.StatusCode}: {System.Text.Encoding.UTF8.GetString(body)}");
    }

    private static string[] WarningsOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Warning", out var values)
            ? [.. values.Select(WarningText)]
            : [];

    /// <summary>The quoted text of <c>299 - "text"</c>, its escapes (backslash before quotes and backslashes) undone.</summary>
    internal static string WarningText(string header)
    {
        var (from, to) = (header.IndexOf('"', StringComparison.Ordinal), header.LastIndexOf('"'));
        return from < to ? EscapedCharacter().Replace(header[(from + 1)..to], "$1") : header;
    }

    [GeneratedRegex(@"\\(.)")]
    private static partial Regex EscapedCharacter();

    // Items of a list carry neither apiVersion nor kind on some servers.
    private static byte[] WithKind(JsonElement item, ResourceType type)
    {
        if (item.TryGetProperty("kind", out _))
        {
            return JsonSerializer.SerializeToUtf8Bytes(item, KubeJson.Options);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = KubeJson.Options.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", type.ApiVersion);
            writer.WriteString("kind", type.Kind);
            foreach (var member in item.EnumerateObject())
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static bool TryCutLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }

        line = default;
        return false;
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private HttpRequestMessage ToMessage(KubeRequest request, bool watch)
    {
        var method = request.Verb switch
        {
            KubeVerb.Create => HttpMethod.Post,
            KubeVerb.Update => HttpMethod.Put,
            KubeVerb.Patch => HttpMethod.Patch,
            KubeVerb.Delete or KubeVerb.DeleteCollection => HttpMethod.Delete,
            _ => HttpMethod.Get,
        };
        var message = new HttpRequestMessage(method, PathOf(request, watch))
        {
            Content = ContentOf(request), Version = _http.DefaultRequestVersion, VersionPolicy = _http.DefaultVersionPolicy,
        };
        message.Headers.Accept.ParseAdd("application/json");
        message.Headers.UserAgent.ParseAdd(_options.UserAgent);
        if (_options.ReadToken() is { } token)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return message;
    }
}
