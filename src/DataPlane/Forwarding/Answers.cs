using System.Net.Http;
using System.Text;
using Knet.DataPlane.Breaker;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.DataPlane.Forwarding;

/// <summary>The answers that the data plane gives itself, with upstream's codes and texts (serving.md 13, 14).</summary>
public static class Answers
{
    /// <summary>A plain text answer, unless another has begun.</summary>
    public static Task TextAsync(HttpContext context, int code, string text)
    {
        var response = context.Response;
        if (response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return Task.CompletedTask;
        }

        response.Clear();
        response.StatusCode = code;
        response.ContentType = "text/plain; charset=utf-8";
        response.ContentLength = Encoding.UTF8.GetByteCount(text);
        return response.WriteAsync(text, context.RequestAborted);
    }

    internal static Task NotAdmittedAsync(HttpContext context, AdmissionResult result, bool expired) => result switch
    {
        AdmissionResult.QueueFull => TextAsync(context, StatusCodes.Status503ServiceUnavailable, "pending request queue full"),
        AdmissionResult.Gone => TextAsync(
            context, StatusCodes.Status404NotFound, "Error getting active endpoint: the revision was deleted"),
        _ when expired => TextAsync(context, StatusCodes.Status504GatewayTimeout, "activator request timeout"),
        _ => Task.CompletedTask,
    };

    internal static Task FailedAsync(HttpContext context, ForwarderError error, bool expired)
    {
        if (expired || error == ForwarderError.RequestTimedOut)
        {
            return TextAsync(context, StatusCodes.Status504GatewayTimeout, "request timeout");
        }

        // What the client did wrong has its code already (400, 408, 413).
        return context.Response.HasStarted || context.Response.StatusCode != StatusCodes.Status502BadGateway
            ? Task.CompletedTask
            : TextAsync(context, StatusCodes.Status502BadGateway, "bad gateway: " + Cause(context));
    }

    internal static bool IsUnsent(HttpContext context)
    {
        for (var e = context.Features.Get<IForwarderErrorFeature>()?.Exception; e is not null; e = e.InnerException)
        {
            if (e is InstanceUnreachableException or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError })
            {
                return true;
            }
        }

        return false;
    }

    internal static string Cause(HttpContext context)
    {
        var cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        while (cause is not null and not InstanceUnreachableException && cause.InnerException is not null)
        {
            cause = cause.InnerException;
        }

        return cause?.Message ?? "the instance gave no answer";
    }
}
