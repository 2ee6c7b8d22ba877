using System.Globalization;
using System.Text;

namespace Knet.Node.Logs;

/// <summary>A line of a container's log file: <c>time stream P|F content</c>, the CRI format that conmon calls k8s-file.</summary>
/// <param name="Timestamp">RFC 3339 with nanoseconds, as written.</param>
/// <param name="Stream"><c>stdout</c> or <c>stderr</c>.</param>
/// <param name="Content">What the program wrote, with its line feed unless the line goes on in the next (P).</param>
internal readonly record struct LogLine(string Timestamp, string Stream, ReadOnlyMemory<byte> Content)
{
    public DateTimeOffset Time => DateTimeOffset.TryParse(Timestamp, CultureInfo.InvariantCulture, out var time) ? time : default;

    /// <param name="line">Without its line feed.</param>
    /// <returns>False for a line that is none of ours (cut off by a crash).</returns>
    public static bool TryParse(ReadOnlyMemory<byte> line, out LogLine result)
    {
        result = default;
        var span = line.Span;
        var first = span.IndexOf((byte)' ');
        var second = first < 0 ? -1 : Next(span, first + 1);
        var third = second < 0 ? -1 : Next(span, second + 1);
        if (third < 0 || third - second != 2)
        {
            return false;
        }

        var full = span[second + 1] == 'F';
        var content = line[(third + 1)..];
        if (full)
        {
            var withEnd = new byte[content.Length + 1];
            content.CopyTo(withEnd);
            withEnd[^1] = (byte)'\n';
            content = withEnd;
        }

        var time = Encoding.ASCII.GetString(span[..first]);
        time = time.EndsWith("+00:00", StringComparison.Ordinal) ? time[..^6] + "Z" : time; // as kubelet shows it
        result = new LogLine(time, Encoding.ASCII.GetString(span[(first + 1)..second]), content);
        return true;
    }

    private static int Next(ReadOnlySpan<byte> span, int from)
    {
        var at = span[from..].IndexOf((byte)' ');
        return at < 0 ? -1 : from + at;
    }
}
