namespace Knet.Node.Logs;

/// <summary>What part of a log is wanted, and how: the options of <c>kubectl logs</c>.</summary>
internal sealed record LogQuery
{
    public bool Follow { get; init; }
    public bool Timestamps { get; init; }

    /// <summary>The last lines only; null for all.</summary>
    public long? TailLines { get; init; }

    public DateTimeOffset? Since { get; init; }

    /// <summary><c>stdout</c> or <c>stderr</c>; null for both.</summary>
    public string? Stream { get; init; }

    public long? LimitBytes { get; init; }
}

/// <summary>Reads the log of one run of a container: its rotated files, oldest first, then the present one.</summary>
internal sealed class LogReader(string path)
{
    private const int ChunkBytes = 16 * 1024;
    private static readonly TimeSpan FollowPeriod = TimeSpan.FromMilliseconds(100);

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<LogLine> Tail(int lines)
    {
        var result = new List<LogLine>();
        foreach (var file in LogFiles.Of(path).Reverse())
        {
            if (result.Count >= lines)
            {
                break;
            }

            using var stream = Open(file);
            stream.Position = TailOffset(stream, lines - result.Count);
            var found = new List<LogLine>();
            var cursor = new LineCursor();
            while (cursor.Fill(stream))
            {
                found.AddRange(cursor.Lines());
            }

            result.InsertRange(0, found);
        }

        return result;
    }

    /// <summary>Copies what is wanted; with follow until the container has ended or the reader goes away.</summary>
    /// <param name="ended">Whether the run has ended, so that nothing more will come.</param>
    public async Task CopyAsync(Stream output, LogQuery query, Func<bool> ended, TimeProvider time, CancellationToken cancellationToken)
    {
        var files = LogFiles.Of(path);
        var writer = new LogWriter(output, query);
        var (start, offset) = Start(files, query.TailLines);
        for (var i = start; i < files.Count; i++)
        {
            await using var stream = Open(files[i]);
            stream.Position = i == start ? offset : 0;
            var cursor = new LineCursor();
            if (!await DrainAsync(stream, cursor, writer, cancellationToken))
            {
                return;
            }

            if (query.Follow && i == files.Count - 1)
            {
                await output.FlushAsync(cancellationToken);
                await FollowAsync(stream, cursor, writer, ended, time, cancellationToken);
            }
        }
    }

    private static async Task<bool> DrainAsync(FileStream stream, LineCursor cursor, LogWriter writer, CancellationToken cancellationToken)
    {
        while (cursor.Fill(stream))
        {
            foreach (var line in cursor.Lines())
            {
                if (!await writer.WriteAsync(line, cancellationToken))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private async Task FollowAsync(
        FileStream stream, LineCursor cursor, LogWriter writer, Func<bool> ended, TimeProvider time, CancellationToken cancellationToken)
    {
        var current = stream;
        try
        {
            while (true)
            {
                var last = ended(); // asked before reading, so that nothing written before the end is missed
                var renamed = IsRenamed(current);
                if (!await DrainAsync(current, cursor, writer, cancellationToken))
                {
                    return;
                }

                if (renamed && File.Exists(path))
                {
                    await DisposeAsync(current, stream);
                    current = Open(path);
                    continue;
                }

                await writer.FlushAsync(cancellationToken);
                if (last)
                {
                    return;
                }

                await Task.Delay(FollowPeriod, time, cancellationToken);
            }
        }
        finally
        {
            await DisposeAsync(current, stream);
        }
    }

    private static ValueTask DisposeAsync(FileStream current, FileStream owned) =>
        current == owned ? ValueTask.CompletedTask : current.DisposeAsync();

    /// <summary>Rotation renames the file: the kernel's link for the open descriptor then shows the new name.</summary>
    private bool IsRenamed(FileStream stream) =>
        new FileInfo($"/proc/self/fd/{stream.SafeFileHandle.DangerousGetHandle()}").LinkTarget != path;

    private static (int File, long Offset) Start(IReadOnlyList<string> files, long? tail)
    {
        if (tail is not { } lines)
        {
            return (0, 0);
        }

        for (var i = files.Count - 1; i >= 0; i--)
        {
            using var stream = Open(files[i]);
            var (offset, found) = Back(stream, lines);
            if (found >= lines || i == 0)
            {
                return (i, offset);
            }

            lines -= found;
        }

        return (files.Count, 0);
    }

    private static long TailOffset(FileStream stream, long lines) => Back(stream, lines).Offset;

    /// <summary>Walks back from the end over so many lines: where they begin, and how many there are.</summary>
    private static (long Offset, long Lines) Back(FileStream stream, long lines)
    {
        if (lines <= 0)
        {
            return (stream.Length, 0);
        }

        var buffer = new byte[ChunkBytes];
        var found = 0L;
        for (var end = stream.Length; end > 0;)
        {
            var begin = Math.Max(0, end - buffer.Length);
            stream.Position = begin;
            var count = stream.ReadAtLeast(buffer.AsSpan(0, (int)(end - begin)), (int)(end - begin), throwOnEndOfStream: false);
            for (var i = count - 1; i >= 0; i--)
            {
                // The line feed at the very end ends the last line; each before it begins one.
                if (buffer[i] == '\n' && begin + i + 1 < stream.Length && ++found == lines)
                {
                    return (begin + i + 1, found);
                }
            }

            end = begin;
        }

        return (0, stream.Length == 0 ? 0 : found + 1);
    }

    private static FileStream Open(string file) =>
        new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.None);

    /// <summary>Cuts a stream into lines; an unfinished last line waits for its rest.</summary>
    private sealed class LineCursor
    {
        private byte[] _buffer = new byte[ChunkBytes];
        private int _length;

        public bool Fill(Stream stream)
        {
            if (_length == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var count = stream.Read(_buffer, _length, _buffer.Length - _length);
            _length += count;
            return count > 0;
        }

        public List<LogLine> Lines()
        {
            var lines = new List<LogLine>();
            var begin = 0;
            while (Array.IndexOf(_buffer, (byte)'\n', begin, _length - begin) is var end and >= 0)
            {
                if (LogLine.TryParse(_buffer.AsSpan(begin, end - begin).ToArray(), out var line))
                {
                    lines.Add(line);
                }

                begin = end + 1;
            }

            _buffer.AsSpan(begin, _length - begin).CopyTo(_buffer);
            _length -= begin;
            return lines;
        }
    }
}
