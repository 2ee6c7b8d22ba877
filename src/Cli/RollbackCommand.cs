using System.CommandLine;

namespace Knet.Cli;

/// <summary><c>knet rollback</c>: all traffic of a service to an earlier revision, in one step.</summary>
internal static class RollbackCommand
{
    public static Command Create()
    {
        var service = new Argument<string>("service") { Description = "Name of a Service" };
        var to = new Option<string?>("--to")
        {
            Description = "The revision to go to, or \"latest\" to follow new revisions again; without it, the newest ready one before the present",
        };
        var ns = new Option<string>("--namespace", "-n") { DefaultValueFactory = _ => "default", Description = "The Service's namespace" };
        var timeout = new Option<int>("--timeout") { DefaultValueFactory = _ => 60, Description = "Seconds to wait; 0 does not" };
        var command = new Command("rollback", "Send all traffic of a service to an earlier revision") { service, to, ns, timeout };
        command.SetAction((parse, cancellationToken) => RunAsync(
            parse.GetValue(service)!, parse.GetValue(to), parse.GetValue(ns)!, parse.GetValue(timeout), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string service, string? to, string ns, int timeout, CancellationToken cancellationToken)
    {
        using var client = new AdminClient(Places.Current);
        var query = $"?service={Uri.EscapeDataString(service)}&namespace={Uri.EscapeDataString(ns)}&wait={timeout}";
        query += to is null ? "" : $"&to={Uri.EscapeDataString(to)}";
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/v1/rollback{query}"));
        Console.Out.Write(await response.Content.ReadAsStringAsync(cancellationToken));
        return 0;
    }
}
