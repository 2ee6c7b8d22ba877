using System.Text;

namespace Knet.Node.Logs;

/// <summary>The last words of a container, shown in its terminated state.</summary>
internal static class TerminationMessage
{
    private const int FileBytesMax = 4096;
    private const int LogBytesMax = 2048;
    private const int LogLinesMax = 80;

    /// <summary>What the program wrote to its terminationMessagePath or, by policy and failure, its log's end. Null for nothing.</summary>
    public static string? Read(string messagePath, string logPath, string? policy, int exitCode)
    {
        var text = ReadFile(messagePath);
        if (text.Length == 0 && exitCode != 0 && policy == "FallbackToLogsOnError")
        {
            text = LogTail(logPath);
        }

        return text.Length == 0 ? null : text;
    }

    private static string ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[FileBytesMax];
            return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, FileBytesMax, throwOnEndOfStream: false));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string LogTail(string path)
    {
        var reader = new LogReader(path);
        var text = new StringBuilder();
        foreach (var line in reader.Tail(LogLinesMax))
        {
            text.Append(Encoding.UTF8.GetString(line.Content.Span));
        }

        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return bytes.Length <= LogBytesMax ? text.ToString() : Encoding.UTF8.GetString(bytes, bytes.Length - LogBytesMax, LogBytesMax);
    }
}
