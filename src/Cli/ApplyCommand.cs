using System.CommandLine;
using System.Net.Http.Headers;

namespace Knet.Cli;

/// <summary><c>knet apply</c>: server-side apply of YAML files, for machines without kubectl.</summary>
internal static class ApplyCommand
{
    public static Command Create()
    {
        var file = new Option<string>("--filename", "-f") { Description = "A YAML or JSON file; - reads standard input", Required = true };
        var ns = new Option<string>("--namespace", "-n") { DefaultValueFactory = _ => "default", Description = "For objects that name no namespace" };
        var wait = new Option<bool>("--wait") { Description = "Until every object that can be Ready is Ready" };
        var timeout = new Option<int>("--timeout") { DefaultValueFactory = _ => 60, Description = "Seconds to wait" };
        var command = new Command("apply", "Create or update objects from a file") { file, ns, wait, timeout };
        command.SetAction((parse, cancellationToken) => RunAsync(
            parse.GetValue(file)!, parse.GetValue(ns)!, parse.GetValue(wait) ? parse.GetValue(timeout) : 0, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string file, string ns, int waitSeconds, CancellationToken cancellationToken)
    {
        if (file != "-" && !File.Exists(file))
        {
            throw new CliException($"{file}: no such file", 3);
        }

        await using var yaml = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        using var client = new AdminClient(Places.Current);
        var content = new StreamContent(yaml);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/yaml");
        var query = $"?namespace={Uri.EscapeDataString(ns)}&wait={waitSeconds}";
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/v1/apply{query}") { Content = content });
        Console.Out.Write(await response.Content.ReadAsStringAsync(cancellationToken));
        return 0;
    }
}
