using System.CommandLine;
using Knet.Cli;

var root = new RootCommand("Knet: Knative Serving on one Linux machine. Same YAML, kubectl and URLs as on a cluster.")
{
    UpCommand.Create(),
    StatusCommand.Create(),
    DownCommand.Create(),
    ApplyCommand.Create(),
    RollbackCommand.Create(),
    ImageCommand.Create(),
    LogsCommand.Create(),
    VersionCommand.Create(),
};

try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (CliException e)
{
    await Console.Error.WriteLineAsync($"Error: {e.Message}");
    return e.ExitCode;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"Error: {e.Message}");
    return 1;
}
