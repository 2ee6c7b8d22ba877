using System.Text;

namespace Knet.Node.Probes;

/// <summary>Kubelet's rules for answers that redirect an HTTP probe: it stays with the host that it asked.</summary>
internal static class ProbeRedirect
{
    /// <summary>Redirects followed before the probe fails.</summary>
    public const int Max = 10;

    private const int ShownBody = 10 * 1024;

    /// <summary>Where to ask next; null when this answer is the probe's answer. Pure.</summary>
    /// <param name="first">What was asked at first.</param>
    /// <param name="current">What gave the answer.</param>
    public static Uri? Next(Uri first, Uri current, int code, Uri? location)
    {
        if (code is not (301 or 302 or 303 or 307 or 308) || location is null || !Uri.TryCreate(current, location, out var next))
        {
            return null;
        }

        return next.Scheme is "http" or "https" && string.Equals(next.Host, first.Host, StringComparison.OrdinalIgnoreCase) ? next : null;
    }

    /// <summary>The text for a probe that ended with a redirect elsewhere, which counts as success.</summary>
    public static async Task<string> WarningAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[ShownBody];
        var length = await body.ReadAtLeastAsync(buffer, ShownBody, throwOnEndOfStream: false, cancellationToken);
        return $"Probe terminated redirects, Response body: {Encoding.UTF8.GetString(buffer, 0, length)}";
    }
}
