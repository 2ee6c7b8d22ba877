using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Knet.Api.Meta;

namespace Knet.ApiServer.Schemas;

/// <summary>The <c>format</c>s of strings that Kubernetes checks; others are taken as they come.</summary>
internal static partial class StringFormats
{
    public static bool Has(string format, string text) => format switch
    {
        "date-time" => Instant().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "duration" => GoDuration.TryParse(text, out _) || Words().IsMatch(text),
        "byte" => Convert.TryFromBase64String(text, new byte[(text.Length * 3 / 4) + 3], out _),
        "ipv4" => IsAddress(text, AddressFamily.InterNetwork),
        "ipv6" => IsAddress(text, AddressFamily.InterNetworkV6),
        "cidr" => IsNetwork(text),
        "mac" => Mac().IsMatch(text),
        "uuid" => Guid.TryParseExact(text, "D", out _) || Guid.TryParseExact(text, "N", out _),
        "uri" => text.StartsWith('/') || Uri.TryCreate(text, UriKind.Absolute, out _),
        "email" => MailAddress.TryCreate(text, out var mail) && mail.Address == text,
        "hostname" => text.Length <= 255 && Host().IsMatch(text),
        "bsonobjectid" => text.Length == 24 && text.All(char.IsAsciiHexDigit),
        "hexcolor" => Color().IsMatch(text),
        _ => true,
    };

    // .NET reads "1" as 0.0.0.1 and octal numbers.
    private static bool IsAddress(string text, AddressFamily family) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == family && text.IndexOf('%', StringComparison.Ordinal) < 0
        && (family == AddressFamily.InterNetworkV6 || address.ToString() == text);

    private static bool IsNetwork(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
        {
            return false;
        }

        var address = text[..slash];
        return (bits <= 32 && IsAddress(address, AddressFamily.InterNetwork)) || (bits <= 128 && IsAddress(address, AddressFamily.InterNetworkV6));
    }

    private const RegexOptions Plain = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}[tT][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([zZ]|[+-][0-9]{2}:[0-9]{2})\z")]
    private static partial Regex Instant();

    [GeneratedRegex(
        @"^([0-9]+(\.[0-9]+)?\s*(ns|nano|us|µs|micro|ms|milli|s|sec|second|m|min|minute|h|hr|hour|d|day|w|wk|week)s?\s*)+\z", Plain)]
    private static partial Regex Words();

    [GeneratedRegex(@"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}([:-][0-9A-Fa-f]{2}){0,2}\z")]
    private static partial Regex Mac();

    [GeneratedRegex(@"^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*\.?\z", Plain)]
    private static partial Regex Host();

    [GeneratedRegex(@"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\z")]
    private static partial Regex Color();
}
