using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Knet.DataPlane.Forwarding;

/// <summary>
/// <c>X-Forwarded-For</c> (appended), <c>X-Forwarded-Proto</c> and, when the client sent none, <c>Forwarded</c> made from them
/// (serving.md 13).
/// </summary>
internal static class ForwardedHeaders
{
    private const string For = "X-Forwarded-For";
    private const string Proto = "X-Forwarded-Proto";
    private const string HostName = "X-Forwarded-Host";
    private const string Forwarded = "Forwarded";

    // Clients come again: their headers are made once. The bound keeps a scan of many addresses from filling memory.
    private const int ClientsMax = 4096;
    private static readonly ConcurrentDictionary<(IPAddress, string), (string For, string Forwarded)> Known = new();

    public static void Set(IHeaderDictionary headers, IPAddress? client, string scheme)
    {
        var given = headers[For];
        var proto = headers[Proto];
        if (proto.Count == 0)
        {
            proto = scheme;
            headers[Proto] = proto;
        }

        var plain = given.Count == 0 && !headers.ContainsKey(HostName);
        var (own, forwarded) = client is null ? (null, null) : OfClient(client, proto.Count == 1 ? proto[0]! : scheme);
        if (own is not null)
        {
            headers[For] = given.Count == 0 ? own : $"{given}, {own}";
        }

        if (!headers.ContainsKey(Forwarded))
        {
            headers[Forwarded] = plain && forwarded is not null ? forwarded : Synthesize(headers[For], proto, headers[HostName]);
        }
    }

    /// <summary><c>for=a;host=h;proto=p, for=b</c>: host and proto stand with the first hop.</summary>
    internal static string Synthesize(StringValues hops, StringValues proto, StringValues host)
    {
        var text = new StringBuilder();
        var first = true;
        foreach (var hop in hops.ToString().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            text.Append(first ? "" : ", ").Append("for=").Append(Quote(hop));
            if (first)
            {
                AppendOrigin(text, proto, host, ";");
                first = false;
            }
        }

        if (first)
        {
            AppendOrigin(text, proto, host, "");
        }

        return text.ToString();
    }

    private static void AppendOrigin(StringBuilder text, StringValues proto, StringValues host, string separator)
    {
        if (host.Count > 0)
        {
            text.Append(separator).Append("host=").Append(host.ToString());
            separator = ";";
        }

        if (proto.Count > 0)
        {
            text.Append(separator).Append("proto=").Append(proto.ToString());
        }
    }

    private static string Quote(string hop) => hop.Contains(':', StringComparison.Ordinal) ? $"\"[{hop.Trim('[', ']')}]\"" : hop;

    private static (string, string) OfClient(IPAddress client, string proto)
    {
        if (Known.TryGetValue((client, proto), out var known))
        {
            return known;
        }

        if (Known.Count >= ClientsMax)
        {
            Known.Clear();
        }

        var text = (client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client).ToString();
        return Known[(client, proto)] = (text, Synthesize(text, proto, default));
    }
}
