using System.Globalization;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;
using FieldErrors = Knet.ApiServer.Registry.FieldErrors;

namespace Knet.ApiServer.Http;

/// <summary>What a request for a log may ask for (the rules and texts of Kubernetes' PodLogOptions).</summary>
internal static class LogOptions
{
    private static readonly ResourceType Options = new("", "v1", "", "PodLogOptions", true);

    /// <exception cref="KubeException">400 for what cannot be read, 422 for what makes no sense.</exception>
    public static void Check(HttpRequest http, string pod)
    {
        var errors = new FieldErrors();
        AtLeast(http, "tailLines", 0, "must be greater than or equal to 0", errors);
        AtLeast(http, "limitBytes", 1, "must be greater than 0", errors);
        AtLeast(http, "sinceSeconds", 1, "must be greater than 0", errors);
        if (RequestOptions.Text(http, "sinceTime") is { Length: > 0 } time)
        {
            if (!DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, out _))
            {
                throw Refusals.BadRequest($"query parameter sinceTime must be a time in RFC 3339, such as 2026-01-31T08:00:00Z, not \"{time}\"");
            }

            if (RequestOptions.Text(http, "sinceSeconds") is { Length: > 0 })
            {
                errors.Forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified");
            }
        }

        CheckStream(http, errors);
        if (errors.All.Count > 0)
        {
            throw Refusals.Invalid(Options, pod, errors.All);
        }
    }

    private static void CheckStream(HttpRequest http, FieldErrors errors)
    {
        if (RequestOptions.Text(http, "stream") is not { Length: > 0 } stream)
        {
            return;
        }

        if (stream is not ("All" or "Stdout" or "Stderr"))
        {
            errors.NotSupported("stream", stream, "All", "Stdout", "Stderr");
        }
        else if (stream != "All" && RequestOptions.Text(http, "tailLines") is { Length: > 0 })
        {
            errors.Forbidden("", "`tailLines` and specific `stream` are mutually exclusive for now");
        }
    }

    private static void AtLeast(HttpRequest http, string name, long least, string why, FieldErrors errors)
    {
        if (RequestOptions.Text(http, name) is not { Length: > 0 } text)
        {
            return;
        }

        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            throw Refusals.BadRequest($"query parameter {name} must be a whole number, not \"{text}\"");
        }

        if (number < least)
        {
            errors.Invalid(name, number, why);
        }
    }
}
