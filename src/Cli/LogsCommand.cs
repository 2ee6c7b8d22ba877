using System.CommandLine;

namespace Knet.Cli;

/// <summary><c>knet logs</c>: the output of a service's containers, or the daemon's own log.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var service = new Argument<string?>("service")
        {
            Description = "Name of a Service; without it, the daemon's log", Arity = ArgumentArity.ZeroOrOne,
        };
        var ns = new Option<string>("--namespace", "-n") { DefaultValueFactory = _ => "default", Description = "The Service's namespace" };
        var revision = new Option<string?>("--revision") { Description = "Only this revision" };
        var tail = new Option<int>("--tail") { DefaultValueFactory = _ => 100, Description = "Lines from the end of each log" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on printing what comes" };
        var command = new Command("logs", "Print the logs of a service, or of the platform itself") { service, ns, revision, tail, follow };
        command.SetAction((parse, cancellationToken) => RunAsync(
            parse.GetValue(service), parse.GetValue(ns)!, parse.GetValue(revision), parse.GetValue(tail), parse.GetValue(follow), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string? service, string ns, string? revision, int tail, bool follow, CancellationToken cancellationToken)
    {
        using var client = new AdminClient(Places.Current);
        var query = $"?tail={tail}&follow={(follow ? "true" : "false")}";
        query += service is null ? "" : $"&service={Uri.EscapeDataString(service)}&namespace={Uri.EscapeDataString(ns)}";
        query += revision is null ? "" : $"&revision={Uri.EscapeDataString(revision)}";
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/v1/logs{query}"));
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await using var output = Console.OpenStandardOutput();
        try
        {
            await body.CopyToAsync(output, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }

        return 0;
    }
}
