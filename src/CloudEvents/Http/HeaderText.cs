using System.Buffers;
using System.Globalization;
using System.Text;

namespace Knet.CloudEvents.Http;

/// <summary>Attribute values in headers: printable ASCII as it is, everything else percent-encoded UTF-8 (HTTP binding §3.1.3.2).</summary>
internal static class HeaderText
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7e - 0x20).Select(c => (char)c).Where(c => c is not ('"' or '%'))]);

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static string Encode(string value)
    {
        if (!value.AsSpan().ContainsAnyExcept(Plain))
        {
            return value;
        }
        var text = new StringBuilder(value.Length + 16);
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsBmp && Plain.Contains((char)rune.Value))
            {
                text.Append((char)rune.Value);
                continue;
            }
            foreach (var b in bytes[..rune.EncodeToUtf8(bytes)])
            {
                text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }
        return text.ToString();
    }

    /// <exception cref="CloudEventException">A percent sign starts no encoded byte, or the bytes are no UTF-8.</exception>
    public static string Decode(string name, string value)
    {
        // Older senders put the value in double quotes; the binding says to take them off.
        var text = value.Length >= 2 && value[0] == '"' && value[^1] == '"' ? Unquote(value) : value;
        if (!text.Contains('%', StringComparison.Ordinal))
        {
            return text;
        }
        var bytes = new ArrayBufferWriter<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                var run = text.AsSpan(i);
                var end = run.IndexOf('%');
                run = end < 0 ? run : run[..end];
                Encoding.UTF8.GetBytes(run, bytes);
                i += run.Length - 1;
                continue;
            }
            if (i + 2 >= text.Length
                || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                // Sent without encoding, as many do: a lone percent sign means itself.
                bytes.Write("%"u8);
                continue;
            }
            bytes.Write([b]);
            i += 2;
        }
        try
        {
            return Strict.GetString(bytes.WrittenSpan);
        }
        catch (DecoderFallbackException)
        {
            throw CloudEventException.Bad($"ce-{name}: the percent-encoded bytes are not UTF-8");
        }
    }

    private static string Unquote(string value)
    {
        var inner = value[1..^1];
        return inner.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
    }
}
