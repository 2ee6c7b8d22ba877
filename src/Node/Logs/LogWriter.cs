using System.Text;

namespace Knet.Node.Logs;

/// <summary>Writes log lines as a reader asked for them: since when, with times or without, up to so many bytes.</summary>
internal sealed class LogWriter(Stream output, LogQuery query)
{
    private long _left = query.LimitBytes ?? long.MaxValue;

    /// <summary>False when the limit is reached.</summary>
    public async ValueTask<bool> WriteAsync(LogLine line, CancellationToken cancellationToken)
    {
        if ((query.Since is { } since && line.Time < since) || (query.Stream is { } stream && line.Stream != stream))
        {
            return true;
        }

        if (query.Timestamps)
        {
            await WriteAsync(Encoding.ASCII.GetBytes(line.Timestamp + " "), cancellationToken);
        }

        await WriteAsync(line.Content, cancellationToken);
        return _left > 0;
    }

    public Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var count = (int)Math.Min(bytes.Length, _left);
        _left -= count;
        await output.WriteAsync(bytes[..count], cancellationToken);
    }
}
