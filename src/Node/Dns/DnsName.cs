using System.Text;

namespace Knet.Node.Dns;

/// <summary>
/// Domain names. As text they are in lower case without a dot at the end (the root is empty); bytes that are no ordinary characters,
/// and dots within a label, are written <c>\DDD</c> (RFC 1035, 5.1), so that text and labels are one to one.
/// </summary>
internal static class DnsName
{
    private const int NameMax = 255, LabelMax = 63;

    /// <summary>The name is the domain or lies below it.</summary>
    public static bool IsUnder(string name, string domain) =>
        name.EndsWith(domain, StringComparison.Ordinal) && (name.Length == domain.Length || name[^(domain.Length + 1)] == '.');

    /// <summary>Reads a name without compression at <paramref name="offset"/>, which moves behind it. False for anything malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, ref int offset, out string name)
    {
        var text = new StringBuilder();
        name = "";
        for (var start = offset; offset < packet.Length && offset - start < NameMax;)
        {
            int length = packet[offset++];
            if (length == 0)
            {
                name = text.ToString();
                return true;
            }

            if (length > LabelMax || offset + length > packet.Length)
            {
                return false;
            }

            Append(text, packet.Slice(offset, length));
            offset += length;
        }

        return false;
    }

    /// <summary>Moves behind a name, compressed or not.</summary>
    public static bool TrySkip(ReadOnlySpan<byte> packet, ref int offset)
    {
        while (offset < packet.Length)
        {
            int length = packet[offset++];
            if (length == 0)
            {
                return true;
            }

            if (length >= 0xc0)
            {
                return ++offset <= packet.Length;
            }

            offset += length;
        }

        return false;
    }

    /// <summary>The name as labels without compression.</summary>
    /// <exception cref="ArgumentException">A label or the name is too long.</exception>
    public static byte[] Encode(string name)
    {
        var bytes = new List<byte>(name.Length + 2);
        foreach (var label in name.Length == 0 ? [] : name.Split('.'))
        {
            var at = bytes.Count;
            bytes.Add(0);
            for (var i = 0; i < label.Length; i++)
            {
                var escaped = label[i] == '\\' && i + 3 < label.Length;
                bytes.Add(escaped ? byte.Parse(label.AsSpan(i + 1, 3), provider: null) : (byte)label[i]);
                i += escaped ? 3 : 0;
            }

            var length = bytes.Count - at - 1;
            bytes[at] = length is > 0 and <= LabelMax
                ? (byte)length
                : throw new ArgumentException($"\"{name}\" has a label of {length} bytes");
        }

        bytes.Add(0);
        return bytes.Count <= NameMax ? [.. bytes] : throw new ArgumentException($"\"{name}\" is longer than {NameMax} bytes");
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> label)
    {
        if (text.Length > 0)
        {
            text.Append('.');
        }

        foreach (var b in label)
        {
            if (b is > 0x20 and < 0x7f and not (byte)'.' and not (byte)'\\')
            {
                text.Append(char.ToLowerInvariant((char)b));
            }
            else
            {
                text.Append('\\').Append(b.ToString("d3", null));
            }
        }
    }
}
