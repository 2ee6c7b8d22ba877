using System.Net;
using Knet.Oci.References;

namespace Knet.Oci.Registry;

/// <summary>Sends requests to registries: addresses, credentials, redirects, repetition, time limits.</summary>
internal sealed class RegistryTransport : IDisposable
{
    private readonly HttpClient _http;
    private readonly RegistryAuthorizer _authorizer;
    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;

    internal RegistryTransport(RegistryOptions options, TimeProvider time, HttpMessageHandler? handler)
    {
        _options = options;
        _time = time;
        _http = new HttpClient(handler ?? Handler(options)) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("knet/0.1.0");
        _authorizer = new RegistryAuthorizer(_http, options, time);
    }

    /// <summary>The address of something of a repository: <c>manifests/latest</c>, <c>blobs/sha256:…</c>.</summary>
    internal Uri Address(ImageReference reference, string path)
    {
        var host = reference.Registry == ImageReference.DefaultRegistry ? "index.docker.io" : reference.Registry;
        var scheme = IsPlain(host) ? "http" : "https";
        return new Uri($"{scheme}://{host}/v2/{reference.Repository}/{path}");
    }

    /// <summary>
    /// Sends what <paramref name="make"/> makes, with each of the credentials in turn until one is let in (without any: anonymously), and
    /// answers what came back, whatever its status. The caller disposes it.
    /// </summary>
    /// <exception cref="ImageException">No answer, or the token server refused the last credentials.</exception>
    internal async Task<Reply> SendAsync(
        ImageReference reference,
        string actions,
        IReadOnlyList<RegistryCredentials> credentials,
        Func<HttpRequestMessage> make,
        CancellationToken cancellationToken)
    {
        var attempts = credentials.Count == 0 ? [null] : credentials.Cast<RegistryCredentials?>().ToArray();
        for (var i = 0; ; i++)
        {
            var isLast = i == attempts.Length - 1;
            var key = new TokenKey(reference.Registry, reference.Repository, actions, attempts[i]);
            try
            {
                var response = await AuthorizedAsync(key, make, cancellationToken);
                if (isLast || response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound))
                {
                    return new Reply(response, attempts[i]);
                }

                response.Dispose();
            }
            catch (ImageException) when (!isLast)
            {
                // The token server refused these credentials; the next ones have their turn, and the last ones' refusal is told.
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler Handler(RegistryOptions options) => new()
    {
        AllowAutoRedirect = false,  // ours takes the credentials off when the host changes
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        UseCookies = false,
        Proxy = new LoopbackBypass(),
    };

    private static bool IsRetried(HttpStatusCode status) => status is HttpStatusCode.TooManyRequests
        or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static bool IsRedirect(HttpResponseMessage response) => response.Headers.Location is not null && response.StatusCode
        is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
        or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private bool IsPlain(string host) =>
        _options.Insecure.Contains(host, StringComparer.OrdinalIgnoreCase) || new Uri($"http://{host}/").IsLoopback
        || (IPAddress.TryParse(new Uri($"http://{host}/").DnsSafeHost, out var address) && IPAddress.IsLoopback(address));

    private async Task<HttpResponseMessage> AuthorizedAsync(
        TokenKey key, Func<HttpRequestMessage> make, CancellationToken cancellationToken)
    {
        var header = _authorizer.Remembered(key);
        var response = await RepeatedAsync(() => With(make(), header), cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }

        _authorizer.Forget(key);
        var answer = await _authorizer.AnswerAsync(response, key, key.Credentials, cancellationToken);
        if (answer is null)
        {
            return response;
        }

        response.Dispose();
        return await RepeatedAsync(() => With(make(), answer), cancellationToken);
    }

    private static HttpRequestMessage With(HttpRequestMessage request, System.Net.Http.Headers.AuthenticationHeaderValue? header)
    {
        request.Headers.Authorization = header;
        return request;
    }

    private async Task<HttpResponseMessage> RepeatedAsync(Func<HttpRequestMessage> make, CancellationToken cancellationToken)
    {
        var delay = _options.RetryDelay;
        for (var i = 0; ; i++, delay *= 2)
        {
            var request = make();
            // A body that is a stream can be sent once only.
            var isLast = i >= _options.RetriesMax || request.Content is StreamContent;
            var response = await RedirectedAsync(request, cancellationToken);
            if (isLast || !IsRetried(response.StatusCode))
            {
                return response;
            }

            var wait = response.Headers.RetryAfter?.Delta is { } asked && asked < _options.ResponseTimeout && asked > delay ? asked : delay;
            response.Dispose();
            await Task.Delay(wait, _time, cancellationToken);
        }
    }

    private async Task<HttpResponseMessage> RedirectedAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await OnceAsync(request, cancellationToken);
        for (var i = 0; IsRedirect(response) && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head); i++)
        {
            var from = response.RequestMessage!.RequestUri!;
            var to = new Uri(from, response.Headers.Location!);
            response.Dispose();
            if (i == _options.RedirectsMax)
            {
                throw new ImageException($"{request.Method} {request.RequestUri}: more than {_options.RedirectsMax} redirects");
            }

            if (to.Scheme != "https" && (to.Scheme != "http" || from.Scheme == "https"))
            {
                throw new ImageException($"{request.Method} {request.RequestUri}: the registry redirects to {to}, which is not encrypted");
            }

            var next = new HttpRequestMessage(request.Method, to);
            foreach (var (name, values) in request.Headers)
            {
                var isSameHost = Uri.Compare(from, to, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
                if (isSameHost || !name.Equals("Authorization", StringComparison.OrdinalIgnoreCase))
                {
                    next.Headers.TryAddWithoutValidation(name, values);
                }
            }

            request = next;
            response = await OnceAsync(next, cancellationToken);
        }

        return response;
    }

    private async Task<HttpResponseMessage> OnceAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // Uploads have their own limit (how long they stand still), so the whole answer may take long.
        var limit = request.Content is StreamContent ? Timeout.InfiniteTimeSpan : _options.ResponseTimeout;
        using var timeout = new CancellationTokenSource(limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            response.RequestMessage ??= request;
            return response;
        }
        catch (HttpRequestException e)
        {
            throw RegistryErrors.Unreachable(request.Method, request.RequestUri!, e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImageException($"{request.Method} {request.RequestUri}: no answer within {limit.TotalSeconds:0.#} s", inner: e);
        }
    }

    // As Go's clients: a proxy from the environment is for other machines.
    private sealed class LoopbackBypass : IWebProxy
    {
        public ICredentials? Credentials
        {
            get => HttpClient.DefaultProxy.Credentials;
            set => throw new NotSupportedException();
        }

        public Uri? GetProxy(Uri destination) => HttpClient.DefaultProxy.GetProxy(destination);

        public bool IsBypassed(Uri host) => host.IsLoopback || HttpClient.DefaultProxy.IsBypassed(host);
    }
}

/// <summary>A registry's answer and the credentials that it was given to.</summary>
internal sealed record Reply(HttpResponseMessage Response, RegistryCredentials? Credentials) : IDisposable
{
    public void Dispose() => Response.Dispose();
}
