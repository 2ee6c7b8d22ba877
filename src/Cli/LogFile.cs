using System.Globalization;

namespace Knet.Cli;

/// <summary>The daemon's log on disk: appended to by every start, moved aside at a start when it has grown.</summary>
internal static class LogFile
{
    private const string LimitVariable = "KNET_LOG_BYTES";
    private const long LimitDefault = 10 << 20;

    /// <summary>
    /// Makes the directory, and renames a log of more than <c>$KNET_LOG_BYTES</c> (default 10 MiB) to <c>knetd.log.1</c>, over the one before.
    /// </summary>
    /// <exception cref="CliException">The limit is no number, or the directory cannot be written.</exception>
    public static void Prepare(string path)
    {
        var text = Environment.GetEnvironmentVariable(LimitVariable);
        var limit = LimitDefault;
        if (!string.IsNullOrEmpty(text) && !(long.TryParse(text, CultureInfo.InvariantCulture, out limit) && limit > 0))
        {
            throw new CliException($"{LimitVariable} must be a number of bytes above 0, not \"{text}\"");
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (new FileInfo(path) is { Exists: true } log && log.Length > limit)
            {
                File.Move(path, path + ".1", overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"the log {path} cannot be written: {e.Message.TrimEnd('.')}. Make room, or set KNET_HOME to another directory");
        }
    }
}
