using System.Net;
using System.Net.Http.Headers;
using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Store;

namespace Knet.Oci.Registry;

/// <summary>A manifest or index as a registry has it.</summary>
/// <param name="Digest">Of <paramref name="Bytes"/>, computed here.</param>
/// <param name="MediaType">From the answer's header, or else from the document.</param>
/// <param name="Bytes">The document.</param>
public sealed record ManifestDocument(Digest Digest, string MediaType, byte[] Bytes);

/// <summary>
/// A client of the OCI distribution API (1.1). Loopback addresses and <see cref="RegistryOptions.Insecure"/> hosts by HTTP, all others by
/// HTTPS. Credentials are tried in their order; none means anonymous.
/// </summary>
/// <remarks>Thread-safe. Every error is an <see cref="ImageException"/> with method, URL and what was answered.</remarks>
public sealed class RegistryClient : IDisposable
{
    private readonly RegistryTransport _transport;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;

    /// <summary>Makes a client.</summary>
    /// <param name="options">Limits and insecure hosts.</param>
    /// <param name="time">For token life, delays and time limits.</param>
    /// <param name="handler">Carries the requests; null for sockets. It must not follow redirects itself.</param>
    public RegistryClient(RegistryOptions options, TimeProvider time, HttpMessageHandler? handler = null)
    {
        _options = options;
        _time = time;
        _transport = new RegistryTransport(options, time, handler);
    }

    /// <summary>Layers of one image to download at the same time.</summary>
    internal int ConcurrentDownloads => _options.ConcurrentDownloads;

    /// <summary>
    /// The digest that a reference stands for; null if the registry does not say in a header, then the document has to be read.
    /// </summary>
    /// <exception cref="ImageException">It is not there, or not for these credentials.</exception>
    public async Task<Digest?> HeadManifestAsync(
        ImageReference reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        using var reply = await _transport.SendAsync(
            reference, "pull", credentials, () => ManifestRequest(HttpMethod.Head, reference), cancellationToken);
        if (reply.Response.StatusCode != HttpStatusCode.OK)
        {
            throw await RefusedAsync(reply, cancellationToken);
        }

        return reply.Response.Headers.TryGetValues("Docker-Content-Digest", out var values) && Digest.TryParse(values.First(), out var digest)
            ? digest
            : null;
    }

    /// <summary>Reads a manifest or index; if the reference has a digest, the document has that digest.</summary>
    /// <exception cref="ImageException">It is not there, not for these credentials, or has another digest.</exception>
    public async Task<ManifestDocument> GetManifestAsync(
        ImageReference reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        using var reply = await _transport.SendAsync(
            reference, "pull", credentials, () => ManifestRequest(HttpMethod.Get, reference), cancellationToken);
        if (reply.Response.StatusCode != HttpStatusCode.OK)
        {
            throw await RefusedAsync(reply, cancellationToken);
        }

        var uri = reply.Response.RequestMessage!.RequestUri!;
        var bytes = await BodyAsync(reply.Response, uri, cancellationToken);
        var digest = Digest.Of(bytes);
        if (reference.Digest is { } wanted && wanted != digest)
        {
            throw new ImageException($"GET {uri}: the manifest does not have the digest {wanted} but {digest}");
        }

        var declared = reply.Response.Content.Headers.ContentType?.MediaType ?? "";
        var mediaType = MediaTypes.Manifests.Contains(declared) ? declared : OciJson.MediaTypeOf(bytes, $"GET {uri}");
        return new ManifestDocument(digest, mediaType.Length > 0 ? mediaType : declared, bytes);
    }

    /// <summary>
    /// Downloads a blob into the store, checking its digest on the way; a download that breaks off goes on where it stopped, if the
    /// registry
    /// can do that.
    /// </summary>
    /// <exception cref="ImageException">It is not there, not for these credentials, or is not what the descriptor says.</exception>
    public async Task DownloadAsync(
        ImageReference reference,
        Descriptor blob,
        BlobStore store,
        IReadOnlyList<RegistryCredentials> credentials,
        CancellationToken cancellationToken)
    {
        var digest = Digest.Parse(blob.Digest, reference.ToString());
        var uri = _transport.Address(reference, $"blobs/{digest}");
        if (blob.Size > _options.BlobBytesMax)
        {
            throw new ImageException($"GET {uri}: the blob has {blob.Size} bytes; the limit is {_options.BlobBytesMax}");
        }

        using var writer = store.Begin();
        var delay = _options.RetryDelay;
        for (var i = 0; ; i++, delay *= 2)
        {
            try
            {
                await DownloadPartAsync(reference, uri, blob, writer, credentials, cancellationToken);
                break;
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                if (i >= _options.RetriesMax)
                {
                    throw RegistryErrors.Unreachable(HttpMethod.Get, uri, e);
                }

                await Task.Delay(delay, _time, cancellationToken);
            }
        }

        try
        {
            writer.Commit(digest);
        }
        catch (ImageException e)
        {
            throw new ImageException($"GET {uri}: {e.Message}", inner: e);
        }
    }

    /// <summary>Uploads a blob of the store unless the registry has it.</summary>
    /// <exception cref="ImageException">The registry refused.</exception>
    public async Task PushBlobAsync(
        ImageReference reference, Digest digest, BlobStore store, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        var address = _transport.Address(reference, $"blobs/{digest}");
        using (var head = await SendAsync(HttpMethod.Head, address, reference, credentials, null, cancellationToken))
        {
            if (head.Response.StatusCode == HttpStatusCode.OK)
            {
                return;
            }
        }

        var uploads = _transport.Address(reference, "blobs/uploads/");
        using var start = await SendAsync(
            HttpMethod.Post, uploads, reference, credentials, () => new ByteArrayContent([]), cancellationToken);
        if (start.Response.StatusCode != HttpStatusCode.Accepted || start.Response.Headers.Location is null)
        {
            throw await RefusedAsync(start, cancellationToken);
        }

        var location = new Uri(uploads, start.Response.Headers.Location);
        var target = new Uri($"{location}{(location.Query.Length > 0 ? "&" : "?")}digest={Uri.EscapeDataString(digest.ToString())}");
        using var done = await SendAsync(HttpMethod.Put, target, reference, credentials, () => Content(store, digest), cancellationToken);
        if (done.Response.StatusCode != HttpStatusCode.Created)
        {
            throw await RefusedAsync(done, cancellationToken);
        }
    }

    /// <summary>Uploads a manifest or index under the reference's tag or digest. What it names must be there already.</summary>
    /// <exception cref="ImageException">The registry refused.</exception>
    public async Task PushManifestAsync(
        ImageReference reference,
        string mediaType,
        byte[] bytes,
        IReadOnlyList<RegistryCredentials> credentials,
        CancellationToken cancellationToken)
    {
        HttpContent Body()
        {
            var content = new ByteArrayContent(bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
            return content;
        }

        var address = _transport.Address(reference, $"manifests/{reference.Target}");
        using var reply = await SendAsync(HttpMethod.Put, address, reference, credentials, Body, cancellationToken);
        if (reply.Response.StatusCode != HttpStatusCode.Created)
        {
            throw await RefusedAsync(reply, cancellationToken);
        }
    }

    public void Dispose() => _transport.Dispose();

    private static StreamContent Content(BlobStore store, Digest digest)
    {
        var content = new StreamContent(store.Open(digest), 128 * 1024);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.ContentLength = store.SizeOf(digest);
        return content;
    }

    private HttpRequestMessage ManifestRequest(HttpMethod method, ImageReference reference)
    {
        var request = new HttpRequestMessage(method, _transport.Address(reference, $"manifests/{reference.Target}"));
        foreach (var mediaType in MediaTypes.Manifests)
        {
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(mediaType));
        }

        return request;
    }

    private Task<Reply> SendAsync(
        HttpMethod method,
        Uri address,
        ImageReference reference,
        IReadOnlyList<RegistryCredentials> credentials,
        Func<HttpContent>? content,
        CancellationToken cancellationToken) => _transport.SendAsync(
            reference, "pull,push", credentials, (
                ) => new HttpRequestMessage(method, address) { Content = content?.Invoke() }, cancellationToken);

    private Task<ImageException> RefusedAsync(Reply reply, CancellationToken cancellationToken) =>
        RegistryErrors.RefusedAsync(reply.Response, reply.Credentials, _options.DocumentBytesMax, cancellationToken);

    private async Task<byte[]> BodyAsync(HttpResponseMessage response, Uri uri, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ResponseTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await RegistryErrors.ReadAsync(response, _options.DocumentBytesMax, both.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(HttpMethod.Get, uri, e);
        }
    }

    private async Task DownloadPartAsync(
        ImageReference reference,
        Uri uri,
        Descriptor blob,
        BlobWriteStream writer,
        IReadOnlyList<RegistryCredentials> credentials,
        CancellationToken cancellationToken)
    {
        HttpRequestMessage Make()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, uri);
            request.Headers.Range = writer.Length > 0 ? new RangeHeaderValue(writer.Length, null) : null;
            return request;
        }

        using var reply = await _transport.SendAsync(reference, "pull", credentials, Make, cancellationToken);
        switch (reply.Response.StatusCode)
        {
            case HttpStatusCode.PartialContent when reply.Response.Content.Headers.ContentRange?.From == writer.Length:
                break;
            case HttpStatusCode.OK:
                writer.Restart();
                break;
            case HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable:
                writer.Restart();
                throw new IOException("the registry did not go on with the download where it had stopped");
            default:
                throw await RefusedAsync(reply, cancellationToken);
        }

        await CopyAsync(reply.Response, blob.Size, writer, cancellationToken);
    }

    private async Task CopyAsync(HttpResponseMessage response, long size, BlobWriteStream writer, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var stall = new CancellationTokenSource(_options.StallTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        var buffer = new byte[128 * 1024];
        try
        {
            while (await body.ReadAsync(buffer, both.Token) is > 0 and var count)
            {
                stall.CancelAfter(_options.StallTimeout);
                writer.Write(buffer.AsSpan(0, count));
                if (writer.Length > size)
                {
                    throw new ImageException(
                        $"GET {response.RequestMessage!.RequestUri}: the blob is longer than the {size} bytes that the manifest says");
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the download stood still for {_options.StallTimeout.TotalSeconds:0.#} s", e);
        }

        if (writer.Length < size)
        {
            throw new IOException($"the download broke off after {writer.Length} of {size} bytes");
        }
    }
}
