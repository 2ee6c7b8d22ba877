using System.Globalization;
using System.Text;

namespace Knet.Node.Logs;

/// <summary>
/// Writes the log of a container that the daemon stands for, in the form and with the rotation of all others. Thread-safe. Without a line
/// there is no file.
/// </summary>
/// <param name="path">The log of the container's run, as <see cref="LogReader"/> is given it.</param>
/// <param name="bytesMax">From how many bytes on a file is moved aside.</param>
/// <param name="filesMax">How many files are kept.</param>
/// <param name="failed">Told of the first line that could not be written since the last that could; the lines are lost.</param>
public sealed class ContainerLog(string path, long bytesMax, int filesMax, TimeProvider time, Action<IOException> failed) : IDisposable
{
    private readonly Lock _gate = new();
    private FileStream? _file;
    private bool _failing;
    private bool _closed;

    /// <summary>Makes the file, so that whoever follows the log from now on waits for its first line.</summary>
    public void Open() => Write([]);

    /// <param name="text">One line or several, without the last line feed.</param>
    public void Write(string text)
    {
        var now = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture);
        var lines = new StringBuilder();
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            lines.Append(now).Append("00+00:00 stdout F ").Append(line).Append('\n');
        }

        Write(Encoding.UTF8.GetBytes(lines.ToString()));
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _file?.Dispose();
            _file = null;
        }
    }

    private void Write(byte[] bytes)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            try
            {
                _file ??= Append();
                _file.Write(bytes);
                if (_file.Position >= bytesMax)
                {
                    _file.Dispose();
                    _file = null;
                    LogFiles.Rotate(path, bytesMax, filesMax, time.GetUtcNow());
                    _file = Append();
                }

                _failing = false;
            }
            catch (IOException e)
            {
                if (!_failing)
                {
                    failed(e);
                }

                _failing = true;
            }
        }
    }

    private FileStream Append()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // Without a buffer: a line is to be read as soon as it is written.
        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }
}
