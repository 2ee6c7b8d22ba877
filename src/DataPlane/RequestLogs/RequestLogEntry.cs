using System.Net;
using Knet.DataPlane.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Knet.DataPlane.RequestLogs;

/// <summary>The Revision and pod that answered: <c>.Revision</c> in templates.</summary>
public sealed record LoggedRevision(
    string Name, string Namespace, string Service, string Configuration, string PodName, string PodIP) : IFields
{
    object? IFields.Field(string name, IReadOnlyList<object?> arguments) => name switch
    {
        "Name" => Name,
        "Namespace" => Namespace,
        "Service" => Service,
        "Configuration" => Configuration,
        "PodName" => PodName,
        "PodIP" => PodIP,
        _ => throw RequestLogEntry.Unknown(name, "Name, Namespace, Service, Configuration, PodName, PodIP"),
    };
}

/// <summary>One answered request, as templates see it: <c>.Request</c>, <c>.Response</c>, <c>.Revision</c>, <c>.TraceID</c>.</summary>
/// <param name="Request">What came in, before anything was changed in it.</param>
/// <param name="Code">The status of the answer.</param>
/// <param name="Size">Bytes of its body.</param>
/// <param name="Latency">From its arrival at the pod's proxy to the end of the answer.</param>
public sealed record RequestLogEntry(LoggedRequest Request, int Code, long Size, TimeSpan Latency, LoggedRevision Revision) : IFields
{
    /// <summary>For trying a template.</summary>
    public static RequestLogEntry Example { get; } = new(
        new LoggedRequest("GET", "/", "HTTP/1.1", "example.com", "127.0.0.1:12345", 0, false, new Dictionary<string, IReadOnlyList<string>>()),
        200, 0, TimeSpan.Zero,
        new LoggedRevision("revision", "namespace", "service", "configuration", "pod", "127.0.0.1"));

    object? IFields.Field(string name, IReadOnlyList<object?> arguments) => name switch
    {
        "Request" => Request,
        "Response" => new Answer(this),
        "Revision" => Revision,
        "TraceID" => Request.TraceId,
        _ => throw Unknown(name, "Request, Response, Revision, TraceID"),
    };

    internal static FormatException Unknown(string name, string known) => new($"can't evaluate field {name}; known are {known}");

    private sealed class Answer(RequestLogEntry entry) : IFields
    {
        public object? Field(string name, IReadOnlyList<object?> arguments) => name switch
        {
            "Code" => (object)(long)entry.Code,
            "Size" => entry.Size,
            "Latency" => entry.Latency.TotalSeconds,
            _ => throw Unknown(name, "Code, Size, Latency"),
        };
    }
}

/// <summary>A request as Go's <c>http.Request</c> shows it.</summary>
/// <param name="RequestUri">The target as it was written.</param>
/// <param name="ContentLength">-1 when it is not known.</param>
public sealed record LoggedRequest(
    string Method, string RequestUri, string Proto, string Host, string RemoteAddr, long ContentLength, bool Tls,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Headers) : IFields
{
    private readonly Headers _headers = new(Headers);

    internal string TraceId
    {
        get
        {
            // 00-TRACE-PARENT-FLAGS, or the older form of B3.
            var parts = _headers.First("traceparent").Split('-');
            return parts.Length >= 4 && parts[1].Length == 32 ? parts[1] : _headers.First("X-B3-TraceId");
        }
    }

    /// <summary>Takes what templates can ask for; the request's headers change on its way.</summary>
    public static LoggedRequest Of(HttpContext context)
    {
        var request = context.Request;
        var feature = context.Features.GetRequiredFeature<IHttpRequestFeature>();
        var (address, port) = (context.Connection.RemoteIpAddress, context.Connection.RemotePort);
        var remote = address is null ? ""
            : new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port).ToString();
        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;
        return new LoggedRequest(
            request.Method, feature.RawTarget, request.Protocol switch { "HTTP/2" => "HTTP/2.0", "HTTP/3" => "HTTP/3.0", var other => other },
            request.Host.Value ?? "", remote, request.ContentLength ?? (hasBody ? -1 : 0), request.IsHttps,
            request.Headers.ToDictionary(
                h => h.Key, h => (IReadOnlyList<string>)[.. h.Value.Select(v => v ?? "")], StringComparer.OrdinalIgnoreCase));
    }

    object? IFields.Field(string name, IReadOnlyList<object?> arguments) => name switch
    {
        "Method" => Method,
        "RequestURI" => RequestUri,
        "URL" => new Target(RequestUri),
        "Proto" => Proto,
        "ProtoMajor" => Proto.StartsWith("HTTP/2", StringComparison.Ordinal) ? 2L : 1L,
        "ProtoMinor" => Proto.EndsWith(".1", StringComparison.Ordinal) ? 1L : 0L,
        "Header" => _headers,
        "ContentLength" => ContentLength,
        "Host" => Host,
        "RemoteAddr" => RemoteAddr,
        "UserAgent" => _headers.First("User-Agent"),
        "Referer" => _headers.First("Referer"),
        "TLS" => Tls ? "TLS" : null,
        _ => throw RequestLogEntry.Unknown(
            name, "Method, RequestURI, URL, Proto, ProtoMajor, ProtoMinor, Header, ContentLength, Host, RemoteAddr, UserAgent, Referer, TLS"),
    };

    private sealed class Target(string text) : IFields
    {
        private readonly string _target = Exchange.OriginForm(text);

        public object? Field(string name, IReadOnlyList<object?> arguments) => name switch
        {
            "Path" => Uri.UnescapeDataString(_target.Split('?')[0]),
            "RawQuery" => _target.Contains('?', StringComparison.Ordinal) ? _target[(_target.IndexOf('?', StringComparison.Ordinal) + 1)..] : "",
            "String" or "RequestURI" => text,
            _ => throw RequestLogEntry.Unknown(name, "Path, RawQuery, String, RequestURI"),
        };

        public override string ToString() => text;
    }
}

/// <summary>Headers by name, in any case: <c>.Get "X"</c>, <c>.Values "X"</c>, <c>index . "X"</c>.</summary>
internal sealed class Headers(IReadOnlyDictionary<string, IReadOnlyList<string>> values) : IFields
{
    public IReadOnlyList<string> Of(string name) => values.GetValueOrDefault(name) ?? [];

    public string First(string name) => Of(name) is { Count: > 0 } found ? found[0] : "";

    public object? Field(string name, IReadOnlyList<object?> arguments) => (name, arguments) switch
    {
        ("Get", [string key]) => First(key),
        ("Values", [string key]) => Of(key),
        ("Get" or "Values", _) => throw new FormatException($"{name} takes the name of a header"),
        _ => throw RequestLogEntry.Unknown(name, "Get \"NAME\", Values \"NAME\""),
    };

    public override string ToString() =>
        $"map[{string.Join(' ', values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}:[{string.Join(' ', v.Value)}]"))}]";
}
