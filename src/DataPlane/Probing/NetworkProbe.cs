using Knet.DataPlane.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Knet.DataPlane.Probing;

/// <summary>
/// Requests that ask a part of the network whether it is there (<c>K-Network-Probe</c>); they reach no program and count nowhere.
/// </summary>
public static class NetworkProbe
{
    /// <summary>The word that asks the gateway for the hash of the rules in force.</summary>
    private const string Override = "override";

    /// <summary>Which part is asked: <c>probe</c> (any), <c>activator</c> or <c>queue</c>; null for an ordinary request.</summary>
    public static string? Of(HttpContext context) =>
        context.Request.Headers.TryGetValue(ControlHeaders.NetworkProbe, out var value) ? value.ToString() : null;

    /// <summary>Answers a probe.</summary>
    /// <param name="self"><c>activator</c> or <c>queue</c>: the role in which it is answered.</param>
    /// <param name="hash">Of the rules in force for the host; null when it has none.</param>
    /// <param name="ready">Whether the part can serve; otherwise 503.</param>
    public static Task AnswerAsync(HttpContext context, string kind, string self, string? hash, bool ready = true)
    {
        if (kind == "probe")
        {
            var asked = context.Request.Headers[ControlHeaders.NetworkHash].ToString();
            var answer = asked == Override && hash is not null ? hash : asked;
            if (answer.Length == 0)
            {
                return Answers.TextAsync(
                    context, StatusCodes.Status400BadRequest,
                    $"a probe request must contain a non-empty \"{ControlHeaders.NetworkHash}\" header");
            }

            context.Response.Headers[ControlHeaders.NetworkHash] = answer;
            return Task.CompletedTask;
        }

        if (kind != self)
        {
            return Answers.TextAsync(context, StatusCodes.Status400BadRequest, $"unexpected probe header value: {kind}");
        }

        return ready
            ? Answers.TextAsync(context, StatusCodes.Status200OK, self)
            : Answers.TextAsync(context, StatusCodes.Status503ServiceUnavailable, $"{self} not ready");
    }
}
