namespace Knet.Cli;

/// <summary>A failure that is told to the user in one sentence, cause and way out included.</summary>
/// <param name="exitCode">1 failed, 2 usage, 3 not found, 4 timed out waiting, 5 unhealthy.</param>
internal sealed class CliException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
