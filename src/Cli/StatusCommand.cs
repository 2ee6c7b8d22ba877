using System.CommandLine;
using System.Globalization;

namespace Knet.Cli;

internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "Show whether the platform runs, where it answers, and its services");
        command.SetAction(async (_, _) =>
        {
            using var client = new AdminClient(Places.Current);
            var status = await client.FindStatusAsync() ?? throw new CliException("Knet is not running on this machine. Start it with: knet up", 5);
            Print(status);
            return status.Steps.All(s => s.Ok) ? 0 : 5;
        });
        return command;
    }

    public static void Print(StatusReport status)
    {
        Console.Out.WriteLine($"knet {status.Version}, pid {status.Pid}");
        foreach (var step in status.Steps)
        {
            PrintStep(step);
        }

        if (status.Services.Count == 0)
        {
            return;
        }

        var width = status.Services.Max(s => s.Namespace.Length + s.Name.Length + 1);
        Console.Out.WriteLine();
        foreach (var service in status.Services)
        {
            var name = $"{service.Namespace}/{service.Name}".PadRight(width);
            var state = service.Ready == "True"
                ? $"ready, {service.Replicas.ToString(CultureInfo.InvariantCulture)} running"
                : $"not ready: {service.Message}";
            Console.Out.WriteLine($"  {name}  {service.Url}  {state}");
        }
    }

    public static void PrintStep(StepReport step)
    {
        var seconds = (step.Ms / 1000).ToString("0.00", CultureInfo.InvariantCulture);
        Console.Out.WriteLine($"  {(step.Ok ? "✔" : "✘")} {step.Step,-9} {step.Detail,-52} {seconds,6} s");
    }
}
