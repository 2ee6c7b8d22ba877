using System.Globalization;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>Query options, as members of a <see cref="KubeRequest"/>.</summary>
internal static class RequestOptions
{
    private const int LongestManager = 128;

    /// <exception cref="KubeException">400: an option has no such value.</exception>
    public static KubeRequest For(KindInfo kind, KubeVerb verb, ApiRoute route, HttpRequest http) => new(verb, kind.Type)
    {
        Namespace = route.Namespace,
        Name = route.Name,
        Subresource = route.Subresource,
        FieldManager = FieldManager(http),
        Force = Flag(http, "force"),
        DryRun = DryRun(http),
        FieldValidation = FieldValidation(http),
        LabelSelector = Text(http, "labelSelector"),
        FieldSelector = Text(http, "fieldSelector"),
        ResourceVersion = Text(http, "resourceVersion"),
        ResourceVersionMatch = Text(http, "resourceVersionMatch"),
        Limit = Number(http, "limit") is { } limit and > 0 ? limit : null,
        Continue = Text(http, "continue"),
        SendInitialEvents = Flag(http, "sendInitialEvents"),
        AllowBookmarks = Flag(http, "allowWatchBookmarks"),
    };

    public static bool Flag(HttpRequest http, string name) => Text(http, name)?.ToLowerInvariant() is "true" or "1" or "t";

    public static string? Text(HttpRequest http, string name) => http.Query.TryGetValue(name, out var values) && values.Count > 0 ? values[0] : null;

    /// <exception cref="KubeException">400.</exception>
    public static int? Number(HttpRequest http, string name) => Text(http, name) switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        var text => throw KubeException.Of(400, "BadRequest", $"query parameter {name} must be a whole number, not \"{text}\""),
    };

    /// <summary>Delete options from the body and, over these, from the query.</summary>
    /// <exception cref="KubeException">400.</exception>
    public static V1DeleteOptions? DeleteOptions(HttpRequest http, ReadOnlyMemory<byte> body)
    {
        V1DeleteOptions? options = null;
        if (body.Length > 0)
        {
            try
            {
                options = KubeJson.Deserialize<V1DeleteOptions>(body.Span);
            }
            catch (JsonException e)
            {
                throw KubeException.Of(400, "BadRequest", $"the body is no DeleteOptions: {e.Message}");
            }
        }

        var seconds = Number(http, "gracePeriodSeconds");
        var policy = Text(http, "propagationPolicy");
        if (seconds is not null || policy is not null)
        {
            options ??= new V1DeleteOptions();
            options = options with
            {
                GracePeriodSeconds = seconds ?? options.GracePeriodSeconds,
                PropagationPolicy = policy ?? options.PropagationPolicy,
            };
        }

        CheckDryRun(options);
        return options;
    }

    // A misspelt dry run must not delete.
    private static void CheckDryRun(V1DeleteOptions? options)
    {
        if (options?.DryRun?.Any(d => d != "All") == true)
        {
            var given = string.Join("\",\"", options.DryRun);
            throw KubeException.Of(
                422, "Invalid",
                $"DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"{given}\"]: supported values: \"All\"");
        }
    }

    /// <summary>Whether the options say <c>dryRun: [All]</c> in the query or in a delete's body.</summary>
    public static bool DryRun(V1DeleteOptions? options) => options?.DryRun?.Contains("All") == true;

    private static bool DryRun(HttpRequest http) => Text(http, "dryRun") switch
    {
        null or "" => false,
        "All" => true,
        var text => throw KubeException.Of(
            400, "BadRequest", $"Invalid value: \"{text}\": dryRun: Unsupported value: \"{text}\": supported values: \"All\""),
    };

    private static string FieldManager(HttpRequest http)
    {
        if (Text(http, "fieldManager") is { Length: > 0 } named)
        {
            return named.Length <= LongestManager
                ? named
                : throw KubeException.Of(400, "BadRequest", $"fieldManager: Too long: may not be more than {LongestManager} bytes");
        }

        var agent = http.Headers.UserAgent.ToString();
        var end = agent.AsSpan().IndexOfAny('/', ' ');
        var name = end < 0 ? agent : agent[..end];
        return name.Length == 0 ? "unknown" : name[..Math.Min(name.Length, LongestManager)];
    }

    private static string FieldValidation(HttpRequest http) => Text(http, "fieldValidation") switch
    {
        null or "" => "Warn",
        "Strict" or "Warn" or "Ignore" => Text(http, "fieldValidation")!,
        var text => throw KubeException.Of(
            400, "BadRequest",
            $"fieldValidation: Unsupported value: \"{text}\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
    };
}
