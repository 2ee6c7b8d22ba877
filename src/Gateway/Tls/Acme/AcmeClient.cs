using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Knet.Gateway.Tls.Acme;

/// <summary>Speaks to one ACME server (RFC 8555) as one account.</summary>
/// <remarks>Used by one order at a time.</remarks>
internal sealed class AcmeClient(HttpClient http, Uri directory, AcmeKey key, TimeProvider time)
{
    private const string BadNonce = "urn:ietf:params:acme:error:badNonce";
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private JsonObject? _directory;
    private Uri? _account;
    private string? _nonce;

    /// <summary>Finds the key's account at the server, or opens one, agreeing to its terms.</summary>
    public async Task SignInAsync(string email, CancellationToken cancellationToken)
    {
        using var answer = await http.GetAsync(directory, cancellationToken);
        _directory = await BodyAsync(answer, cancellationToken);
        var wish = new JsonObject { ["termsOfServiceAgreed"] = true };
        if (email.Length > 0)
        {
            wish["contact"] = new JsonArray($"mailto:{email}");
        }

        var (_, location) = await PostAsync(Address("newAccount"), wish, cancellationToken);
        _account = location ?? throw new AcmeException($"{directory} named no account");
    }

    /// <summary>Orders a certificate, proves that the hosts are ours, and fetches it.</summary>
    /// <param name="prove">Makes the answer to a token readable; called before the server is told to look.</param>
    /// <param name="request">The certificate request in DER form.</param>
    /// <returns>The certificate and those of its issuers, as PEM.</returns>
    /// <exception cref="AcmeException">The server refused.</exception>
    public async Task<string> OrderAsync(
        IReadOnlyList<string> hosts, Action<string, string> prove, byte[] request, CancellationToken cancellationToken)
    {
        var identifiers = new JsonArray([.. hosts.Select(h => (JsonNode)new JsonObject { ["type"] = "dns", ["value"] = h })]);
        var (order, location) = await PostAsync(
            Address("newOrder"), new JsonObject { ["identifiers"] = identifiers }, cancellationToken);
        var address = location ?? throw new AcmeException($"{directory} named no order");
        foreach (var authorization in order["authorizations"]?.AsArray() ?? [])
        {
            await AuthorizeAsync(new Uri((string)authorization!), prove, cancellationToken);
        }

        order = await UntilAsync(address, cancellationToken, "ready", "valid");
        if (Status(order) == "ready")
        {
            var csr = System.Buffers.Text.Base64Url.EncodeToString(request);
            await PostAsync(new Uri(Text(order, "finalize")), new JsonObject { ["csr"] = csr }, cancellationToken);
            order = await UntilAsync(address, cancellationToken, "valid");
        }

        using var answer = await SendAsync(new Uri(Text(order, "certificate")), null, cancellationToken);
        return await answer.Content.ReadAsStringAsync(cancellationToken);
    }

    private async Task AuthorizeAsync(Uri address, Action<string, string> prove, CancellationToken cancellationToken)
    {
        var (authorization, _) = await PostAsync(address, null, cancellationToken);
        if (Status(authorization) == "valid")
        {
            return;
        }

        var challenge = authorization["challenges"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == "http-01")?.AsObject()
            ?? throw new AcmeException($"{directory} offers no http-01 challenge for {(string?)authorization["identifier"]?["value"]}");
        var token = Text(challenge, "token");
        prove(token, key.Answer(token));
        await PostAsync(new Uri(Text(challenge, "url")), [], cancellationToken);
        await UntilAsync(address, cancellationToken, "valid");
    }

    private async Task<JsonObject> UntilAsync(Uri address, CancellationToken cancellationToken, params string[] wanted)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var (body, _) = await PostAsync(address, null, cancellationToken);
            if (wanted.Contains(Status(body)))
            {
                return body;
            }

            if (Status(body) is "invalid" or "deactivated" or "expired" or "revoked")
            {
                throw new AcmeException(Refusal(body));
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>Why an order or an authorization is invalid: its own problem, or that of the challenge that failed.</summary>
    private string Refusal(JsonObject body)
    {
        var problem = body["error"] ?? body["challenges"]?.AsArray().Select(c => c!["error"]).FirstOrDefault(e => e is not null);
        return $"{directory} refused: {(string?)problem?["detail"] ?? Status(body)}";
    }

    private async Task<(JsonObject Body, Uri? Location)> PostAsync(Uri url, JsonObject? payload, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(url, payload, cancellationToken);
        return (await BodyAsync(answer, cancellationToken), answer.Headers.Location);
    }

    private async Task<HttpResponseMessage> SendAsync(Uri url, JsonObject? payload, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            _nonce ??= await NonceAsync(cancellationToken);
            var body = key.Sign(url, _nonce, _account, payload);
            using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/jose+json"));

            // The server compares the type as a whole.
            content.Headers.ContentType!.CharSet = null;
            var answer = await http.PostAsync(url, content, cancellationToken);
            _nonce = answer.Headers.TryGetValues("Replay-Nonce", out var nonces) ? nonces.First() : null;
            if (answer.IsSuccessStatusCode)
            {
                return answer;
            }

            using (answer)
            {
                var refusal = await RefusalAsync(answer, cancellationToken);

                // A nonce may have grown too old; the refusal brought a new one.
                if (refusal.Type != BadNonce || attempt == 3)
                {
                    throw refusal;
                }
            }
        }
    }

    private async Task<string> NonceAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, Address("newNonce"));
        using var answer = await http.SendAsync(request, cancellationToken);
        return answer.Headers.TryGetValues("Replay-Nonce", out var nonces) ? nonces.First() : throw new AcmeException($"{directory} gave no nonce");
    }

    private async Task<AcmeException> RefusalAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        var problem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json" ? JsonNode.Parse(text) : null;
        var detail = (string?)problem?["detail"] ?? $"status {(int)answer.StatusCode}";
        return new AcmeException($"{directory} refused: {detail}", (string?)problem?["type"] ?? "");
    }

    private async Task<JsonObject> BodyAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (!answer.IsSuccessStatusCode)
        {
            throw await RefusalAsync(answer, cancellationToken);
        }

        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return JsonNode.Parse(text)?.AsObject() ?? throw new AcmeException($"{directory} answered without an object");
    }

    private Uri Address(string name) => new(Text(_directory!, name));

    private string Text(JsonObject body, string name) =>
        (string?)body[name] ?? throw new AcmeException($"{directory} left out \"{name}\"");

    private static string Status(JsonObject body) => (string?)body["status"] ?? "";
}
