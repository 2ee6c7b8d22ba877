using System.Net;
using System.Text.Json;

namespace Knet.Oci.Registry;

/// <summary>
/// Turns what goes wrong with a registry into one sentence, in the form of go-containerregistry (which Knative's users know), with
/// whose credentials were used where that matters.
/// </summary>
internal static class RegistryErrors
{
    internal static string Who(RegistryCredentials? credentials) => credentials switch
    {
        null or { Username: null, Password: null } => "without credentials",
        { Username: { Length: > 0 } and not "<token>" and var user } => $"with the credentials of user \"{user}\"",
        _ => "with a token",
    };

    /// <summary>The registry answered with another status than hoped for.</summary>
    internal static async Task<ImageException> RefusedAsync(
        HttpResponseMessage response, RegistryCredentials? credentials, int bytesMax, CancellationToken cancellationToken)
    {
        var request = response.RequestMessage!;
        var status = $"{(int)response.StatusCode} {Reason(response.StatusCode)}";
        var who = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? $" ({Who(credentials)})" : "";
        if (request.Method == HttpMethod.Head)
        {
            return new ImageException(
                $"HEAD {request.RequestUri}: unexpected status code {status} (HEAD responses have no body, use GET for details){who}");
        }

        var body = System.Text.Encoding.UTF8.GetString(await ReadAsync(response, bytesMax, cancellationToken)).Trim();
        var reasons = Reasons(body);
        var text = reasons.Count switch
        {
            0 when body.Length == 0 => $"unexpected status code {status}",
            0 => $"unexpected status code {status}: {(body.Length > 300 ? body[..300] + "…" : body)}",
            1 => reasons[0],
            _ => $"multiple errors returned: {string.Join("; ", reasons)}",
        };
        return new ImageException($"{request.Method} {request.RequestUri}: {text}{who}");
    }

    /// <summary>There was no answer.</summary>
    internal static ImageException Unreachable(HttpMethod method, Uri uri, Exception e)
    {
        var reason = e.Message;
        for (var inner = e.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (!reason.Contains(inner.Message, StringComparison.Ordinal))
            {
                reason += $": {inner.Message}";
            }
        }

        return new ImageException($"{method} {uri}: {reason.Replace("\n", " ", StringComparison.Ordinal)}", inner: e);
    }

    /// <summary>Reads a body that has to be small.</summary>
    internal static async Task<byte[]> ReadAsync(HttpResponseMessage response, int bytesMax, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            body.Write(buffer, 0, count);
            if (body.Length > bytesMax)
            {
                throw new ImageException(
                    $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: the answer has more than {bytesMax} bytes");
            }
        }

        return body.ToArray();
    }

    private static List<string> Reasons(string body)
    {
        if (!body.StartsWith('{'))
        {
            return [];
        }

        try
        {
            var answer = JsonSerializer.Deserialize(body, RegistryJsonContext.Default.ErrorAnswer);
            return [.. answer?.Errors?.OfType<ErrorItem>().Select(e => $"{e.Code}: {e.Message ?? "no details"}") ?? []];
        }
        catch (JsonException)
        {
            return [];  // some proxies answer with JSON of their own: shown as text
        }
    }

    private static string Reason(HttpStatusCode status)
    {
        using var plain = new HttpResponseMessage(status);
        return plain.ReasonPhrase ?? "";
    }
}
