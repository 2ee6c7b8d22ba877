using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Knet.Oci.Registry;

/// <summary>Answers registries' challenges: HTTP Basic, and the token flow of the distribution project, whose tokens it keeps.</summary>
internal sealed class RegistryAuthorizer(HttpClient http, RegistryOptions options, TimeProvider time)
{
    // What the token specification says a token lasts if the server does not say.
    private const double TokenSecondsDefault = 60;
    private const int TokensMax = 1000;

    private readonly ConcurrentDictionary<TokenKey, Kept> _kept = new();

    /// <summary>What was good for the last request of this kind; null to go without and see.</summary>
    internal AuthenticationHeaderValue? Remembered(TokenKey key) =>
        _kept.TryGetValue(key, out var kept) && kept.Until > time.GetUtcNow() ? kept.Header : null;

    internal void Forget(TokenKey key) => _kept.TryRemove(key, out _);

    /// <summary>The header that answers a 401; null if these credentials cannot answer it.</summary>
    /// <exception cref="ImageException">The token server refused or could not be reached.</exception>
    internal async Task<AuthenticationHeaderValue?> AnswerAsync(
        HttpResponseMessage refusal, TokenKey key, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var headers = refusal.Headers.TryGetValues("WWW-Authenticate", out var values) ? values : [];
        var challenges = AuthChallenge.Parse(headers);
        if (challenges.FirstOrDefault(c => c.Scheme == "bearer" && c.Parameters.ContainsKey("realm")) is { } bearer)
        {
            return await TokenAsync(bearer, refusal.RequestMessage!.RequestUri!, key, credentials, cancellationToken);
        }

        if (challenges.Any(c => c.Scheme == "basic") && credentials is { Username: not null })
        {
            return Keep(key, Basic(credentials), DateTimeOffset.MaxValue);
        }

        return null;
    }

    private static AuthenticationHeaderValue Basic(RegistryCredentials credentials) => new(
        "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}")));

    private static Uri Realm(AuthChallenge challenge, Uri registry)
    {
        var realm = challenge.Parameters["realm"];
        if (!Uri.TryCreate(realm, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new ImageException($"{registry}: the registry names \"{realm}\" as its token server, which is no HTTP address");
        }

        return uri.Scheme == "http" && registry.Scheme == "https"
            ? throw new ImageException($"{registry}: the registry wants credentials to be sent to {uri} without encryption; that is refused")
            : uri;
    }

    private async Task<AuthenticationHeaderValue> TokenAsync(
        AuthChallenge challenge, Uri registry, TokenKey key, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var realm = Realm(challenge, registry);
        var fields = new List<KeyValuePair<string, string>>();
        if (challenge.Parameters.TryGetValue("service", out var service))
        {
            fields.Add(new("service", service));
        }

        fields.Add(new("scope", challenge.Parameters.TryGetValue("scope", out var scope) && scope.Length > 0
            ? scope
            : $"repository:{key.Repository}:{key.Actions}"));
        using var request = Request(realm, fields, credentials);
        using var timeout = new CancellationTokenSource(options.ResponseTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw await RegistryErrors.RefusedAsync(response, credentials, options.DocumentBytesMax, both.Token);
            }

            var body = await RegistryErrors.ReadAsync(response, options.DocumentBytesMax, both.Token);
            var answer = JsonSerializer.Deserialize(body, RegistryJsonContext.Default.TokenAnswer);
            var token = answer?.Token ?? answer?.AccessToken
                ?? throw new ImageException($"{request.Method} {realm}: the token server's answer has no token");
            // Used up to a tenth before the end, so that it does not run out on its way.
            var seconds = Math.Clamp(answer.ExpiresInSeconds ?? TokenSecondsDefault, 0, 24 * 3600) * 0.9;
            return Keep(key, new AuthenticationHeaderValue("Bearer", token), time.GetUtcNow().AddSeconds(seconds));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw RegistryErrors.Unreachable(request.Method, realm, e);
        }
    }

    // An identity token goes by POST as OAuth's refresh token; names and passwords by GET with Basic.
    private static HttpRequestMessage Request(Uri realm, List<KeyValuePair<string, string>> fields, RegistryCredentials? credentials)
    {
        if (credentials is { Username: "<token>", Password: { } refresh })
        {
            fields.Add(new("grant_type", "refresh_token"));
            fields.Add(new("client_id", "knet"));
            fields.Add(new("refresh_token", refresh));
            return new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(fields) };
        }

        var query = string.Join('&', fields.Select(f => $"{f.Key}={Uri.EscapeDataString(f.Value)}"));
        var separator = realm.Query.Length > 0 ? "&" : "?";
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{realm.GetLeftPart(UriPartial.Query)}{separator}{query}"));
        if (credentials is { Username: not null })
        {
            request.Headers.Authorization = Basic(credentials);
        }

        return request;
    }

    private AuthenticationHeaderValue Keep(TokenKey key, AuthenticationHeaderValue header, DateTimeOffset until)
    {
        if (_kept.Count >= TokensMax)
        {
            _kept.Clear();
        }

        _kept[key] = new Kept(header, until);
        return header;
    }

    private sealed record Kept(AuthenticationHeaderValue Header, DateTimeOffset Until);
}

/// <summary>What a token is good for.</summary>
internal sealed record TokenKey(string Registry, string Repository, string Actions, RegistryCredentials? Credentials);
