using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Knet.Oci.Formats;

namespace Knet.Tests.Unit.Oci;

/// <summary>A registry in memory, behind the client's handler: no sockets. Requests are kept as <c>METHOD URL</c>.</summary>
internal sealed class FakeRegistry : HttpMessageHandler
{
    internal Dictionary<string, (string MediaType, byte[] Bytes)> Manifests { get; } = [];

    internal Dictionary<string, byte[]> Blobs { get; } = [];

    internal List<string> Requests { get; } = [];

    internal List<AuthenticationHeaderValue?> Authorizations { get; } = [];

    /// <summary>Asked first; what it answers is sent instead of what the registry has.</summary>
    internal Func<HttpRequestMessage, HttpResponseMessage?> Intercept { get; set; } = _ => null;

    internal int Count(string start) => Requests.Count(r => r.StartsWith(start, StringComparison.Ordinal));

    internal Digest Blob(byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        Blobs[digest.ToString()] = bytes;
        return digest;
    }

    internal Digest Manifest(string tag, string mediaType, byte[] bytes)
    {
        Manifests[tag] = Manifests[Digest.Of(bytes).ToString()] = (mediaType, bytes);
        return Digest.Of(bytes);
    }

    /// <summary>An image of one layer with one file.</summary>
    internal Digest Image(string tag, string content)
    {
        var (manifest, blobs) = TestImage.Make(content);
        foreach (var blob in blobs)
        {
            Blob(blob);
        }

        return Manifest(tag, MediaTypes.OciManifest, manifest);
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add($"{request.Method} {request.RequestUri}");
        Authorizations.Add(request.Headers.Authorization);
        var response = Intercept(request) ?? Answer(request);
        response.RequestMessage = request;
        return Task.FromResult(response);
    }

    private HttpResponseMessage Answer(HttpRequestMessage request)
    {
        var path = request.RequestUri!.AbsolutePath;
        var last = path[(path.LastIndexOf('/') + 1)..];
        if (path.Contains("/manifests/", StringComparison.Ordinal) && Manifests.TryGetValue(last, out var manifest))
        {
            var response = Bytes(request, manifest.Bytes);
            response.Content.Headers.ContentType = new MediaTypeHeaderValue(manifest.MediaType);
            response.Headers.Add("Docker-Content-Digest", Digest.Of(manifest.Bytes).ToString());
            return response;
        }

        return path.Contains("/blobs/", StringComparison.Ordinal) && Blobs.TryGetValue(last, out var blob)
            ? Bytes(request, blob)
            : new HttpResponseMessage(HttpStatusCode.NotFound)
            {
                Content = new StringContent("""{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"""),
            };
    }

    private static HttpResponseMessage Bytes(HttpRequestMessage request, byte[] bytes)
    {
        var from = (int)(request.Headers.Range?.Ranges.First().From ?? 0);
        var response = new HttpResponseMessage(from > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK)
        {
            Content = new ByteArrayContent(request.Method == HttpMethod.Head ? [] : bytes[from..]),
        };
        if (from > 0)
        {
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, bytes.Length - 1, bytes.Length);
        }

        return response;
    }
}

/// <summary>Images made by hand, not by the composer that is tested.</summary>
internal static class TestImage
{
    internal static (byte[] Manifest, byte[][] Blobs) Make(string content, string config = "")
    {
        var layer = Layer(content);
        var configuration = Encoding.UTF8.GetBytes(
            $$"""{"architecture":"amd64","os":"linux","config":{ {{config}} },"rootfs":{"type":"layers","diff_ids":["{{Digest.Of(layer)}}"]} }""");
        var manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}",
             "config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{Digest.Of(configuration)}}","size":{{configuration.Length}}},
             "layers":[{"mediaType":"{{MediaTypes.OciLayer}}","digest":"{{Digest.Of(layer)}}","size":{{layer.Length}}}]}
            """);
        return (manifest, [configuration, layer]);
    }

    /// <summary>A tar with the file <c>f</c>.</summary>
    internal static byte[] Layer(string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        return Tar(("f", bytes));
    }

    internal static byte[] Tar(params (string Name, byte[] Content)[] files) => TarTests.Written(files.Select(f => (
        new Knet.Oci.Tar.TarEntry { Name = f.Name, Kind = Knet.Oci.Tar.TarKind.File, Mode = 0x1A4, Size = f.Content.Length }, f.Content)));
}
