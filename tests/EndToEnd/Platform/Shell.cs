using System.Diagnostics;
using System.Text;

namespace Knet.Tests.EndToEnd.Platform;

/// <summary>What a program said and how it ended.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">The program failed; the message holds all it said.</exception>
    public ShellResult OrFail() => ExitCode == 0 ? this : throw new InvalidOperationException($"exit code {ExitCode}\n{Output}\n{Error}");
}

/// <summary>Runs programs as a user at a terminal would.</summary>
internal static class Shell
{
    public static async Task<ShellResult> RunAsync(
        string program, string[] arguments, string? input = null, IDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Repository.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = ReadAsync(process.StandardOutput);
        var error = ReadAsync(process.StandardError);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
        }

        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new(process.ExitCode, await output, await error);
    }

    public static Task<ShellResult> BashAsync(string script) => RunAsync("bash", ["-euo", "pipefail", "-c", script]);

    private static async Task<string> ReadAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync() is { } line)
        {
            text.AppendLine(line);
        }

        return text.ToString();
    }
}
